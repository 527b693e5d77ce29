"""Rows of text as a Markdown or a LaTeX table."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A pipe table; the first row is the head, the first column is of words."""
    head, *body = [[text.replace("|", "\\|") for text in row] for row in rows]
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def latex_table(rows: Sequence[Sequence[str]], bold: Collection[tuple[int, int]] = ()) -> str:
    """A booktabs ``tabular``; the first row is the head, the first column is of words.

    Args:
        bold: (row, column) of the cells to set in bold; the head is row 0.
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}",
        r"\toprule",
    ]
    for place, row in enumerate(rows):
        texts = [_latex(text) for text in row]
        texts = [
            rf"\textbf{{{text}}}" if (place, column) in bold else text
            for column, text in enumerate(texts)
        ]
        lines.append(" & ".join(texts) + r" \\")
        if place == 0:
            lines.append(r"\midrule")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
LATEX |= {"±": r"$\pm$", "–": "--"}


def _latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in text)
