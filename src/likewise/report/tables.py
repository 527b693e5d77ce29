"""The comparison as a table: terminal, Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from likewise.data.pair_leaks import UNLEAKED
from likewise.evidence.budget import Budget
from likewise.evidence.contrasts import Contrast
from likewise.evidence.results import Estimate, MethodSummary, specification


@dataclass(frozen=True)
class Column:
    """A measured quantity: where it is, what it is called, how it is shown, what is good.

    ``counted`` is counted, not timed: a spread of zero goes without saying.
    """

    key: str
    label: str
    decimals: int = 4
    divide_by: float = 1.0
    higher_is_better: bool = False
    is_metric: bool = False
    counted: bool = False

    def of(self, summary: MethodSummary) -> Estimate | None:
        """The method's value in the column's unit."""
        found = (summary.metrics if self.is_metric else summary.cost).get(self.key)
        if found is None:
            return None
        spread = None if found.spread is None else found.spread / self.divide_by
        return Estimate(found.mean / self.divide_by, spread)

    def number(self, value: float) -> str:
        """One number as shown."""
        return f"{value:,.{self.decimals}f}" if math.isfinite(value) else "–"


COSTS = (
    Column("parameters", "parameters", 0, counted=True),
    Column("flops_per_product", "MFLOPs/product", 2, divide_by=1e6, counted=True),
    Column("train_seconds", "train s", 1),
    Column("train_products_per_second", "train products/s", 0, higher_is_better=True),
    Column("embed_products_per_second", "embed products/s", 0, higher_is_better=True),
    Column("peak_memory_mb", "peak memory MB", 0),
    Column("peak_device_memory_mb", "peak GPU memory MB", 0),
)


@dataclass(frozen=True)
class Cell:
    """A value as text; ``best`` when no method shows a better one."""

    mean: str
    spread: str | None = None
    best: bool = False

    def __str__(self) -> str:
        return self.mean if self.spread is None else f"{self.mean} ± {self.spread}"


def columns(summaries: Sequence[MethodSummary], primary: str) -> list[Column]:
    """The primary metric, the other test metrics, then costs; without columns nobody filled.

    The primary metric without leaked test pairs stands beside it, where the runs have it.
    """
    found = [key for summary in summaries for key in summary.metrics if key.startswith("test/")]
    recorded = {f"test/{name}" for summary in summaries for name in summary.specifications}
    # What was not measured on the test products but chosen before, such as a threshold, has no
    # specification; runs that recorded none show all they have.
    shown = [key for key in found if key in recorded or not recorded]
    unleaked = f"{UNLEAKED}/{primary}"
    if any(unleaked in summary.metrics for summary in summaries):
        shown.insert(0, unleaked)
    metrics = [_metric(summaries, key) for key in dict.fromkeys([f"test/{primary}", *shown])]
    # A GPU's memory is zero in every row of a study that ran without one.
    costs = [
        column
        for column in COSTS
        if any((value := column.of(summary)) and value.mean for summary in summaries)
    ]
    return metrics + costs


def _metric(summaries: Sequence[MethodSummary], key: str) -> Column:
    split, _, name = key.partition("/")
    said = specification(summaries, name)
    label = said.label if split == "test" else f"{said.label} without leaks"
    return Column(key, label, higher_is_better=said.higher_is_better, is_metric=True)


def cells(summaries: Sequence[MethodSummary], column: Column) -> list[Cell]:
    """A column's cells, the best marked where there is a choice."""
    values = [column.of(summary) for summary in summaries]
    finite = [value.mean for value in values if value and math.isfinite(value.mean)]
    better = max if column.higher_is_better else min
    # Compared as shown: two methods whose printed values are equal are both best.
    best = column.number(better(finite)) if len(finite) > 1 else None
    made = []
    for value in values:
        if value is None:
            made.append(Cell("–"))
            continue
        mean = column.number(value.mean)
        silent = value.spread is None or (column.counted and value.spread == 0)
        spread = None if silent else column.number(value.spread or 0.0)
        made.append(Cell(mean, spread, mean == best))
    return made


def grid(summaries: Sequence[MethodSummary], shown: Sequence[Column]) -> list[list[Cell]]:
    """A row a method: name, seeds, then the columns' cells."""
    columns_of_cells = [cells(summaries, column) for column in shown]
    return [
        [Cell(summary.name), Cell(seeds_text(summary)), *(made[row] for made in columns_of_cells)]
        for row, summary in enumerate(summaries)
    ]


def seeds_text(summary: MethodSummary) -> str:
    """Number of seeds, and of runs where these are more."""
    runs = f" ({summary.runs} runs)" if summary.runs != summary.seeds else ""
    return f"{summary.seeds}{runs}"


def print_table(summaries: Sequence[MethodSummary], primary: str) -> None:
    """The columns that fit 100 characters; the best of each is bold and starred."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    available = columns(summaries, primary)
    metrics = [column for column in available if column.is_metric][:2]
    short = {
        "parameters": "params",
        "flops_per_product": "MFLOPs",
        "train_seconds": "train s",
        "embed_products_per_second": "embed/s",
    }
    shown = metrics + [column for column in available if column.key in short]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("method", overflow="fold", max_width=20)
    table.add_column("seeds", justify="right")
    for column in shown:
        table.add_column(short.get(column.key, column.label), justify="right", no_wrap=True)
    for name, seeds, *values in grid(summaries, shown):
        texts = []
        for column, cell in zip(shown, values, strict=True):
            # The spread of a cost is in the wider tables; here it would not fit.
            text = str(cell) if column.is_metric else cell.mean
            texts.append(Text(f"{text}{'*' if cell.best else ' '}", "bold" if cell.best else ""))
        table.add_row(Text(name.mean), seeds.mean, *texts)
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    console.print(table)
    console.print(_footnote(summaries), style="dim", highlight=False, markup=False)


def _footnote(summaries: Sequence[MethodSummary]) -> str:
    parts = ["* best of the column"] if len(summaries) > 1 else []
    if any(summary.runs > 1 for summary in summaries):
        parts.append("± sample standard deviation over runs")
    if any(summary.runs == 1 for summary in summaries):
        parts.append("one run has no spread")
    return "; ".join(parts)


def to_markdown(summaries: Sequence[MethodSummary], primary: str) -> str:
    """All columns; the best of each bold."""
    shown = columns(summaries, primary)
    rows = [["method", "seeds", *(column.label for column in shown)]]
    rows += [
        [f"**{cell}**" if cell.best else str(cell) for cell in row]
        for row in grid(summaries, shown)
    ]
    note = _footnote(summaries).replace("* best", "Bold: best")
    return f"{markdown_table(rows)}\n\n{note}.\n"


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A pipe table; the first row is the head, the first column is of words."""
    head, *body = [[text.replace("|", "\\|") for text in row] for row in rows]
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def evidence(
    summaries: Sequence[MethodSummary], against: Sequence[Contrast], primary: str
) -> list[list[str]]:
    """Head and a row a method: mean, difference from the baseline, test and finding.

    Args:
        summaries: methods, the best first.
        against: their contrasts with the baseline; those without one have empty cells.
    """
    found = {contrast.name: contrast for contrast in against}
    label = specification(summaries, primary).label
    rows = [["method", f"{label} [95 %]", "difference [95 %]", "p (Holm)", "effect d", "finding"]]
    for summary in summaries:
        value = summary.metrics[f"test/{primary}"]
        row = [summary.name, f"{value.mean:.4f}{_range(value.low, value.high)}"]
        contrast = found.get(summary.name)
        if contrast is None:
            rows.append([*row, "", "", "", "baseline" if against else ""])
            continue
        test = contrast.test
        difference = f"{test.difference.mean:+.4f}"
        difference += _range(test.difference.low, test.difference.high, "+")
        p_value = contrast.p_adjusted
        rows.append(
            [
                *row,
                difference,
                "–" if math.isnan(p_value) else "< 0.001" if p_value < 1e-3 else f"{p_value:.3f}",
                f"{test.effect_size:.1f}" if math.isfinite(test.effect_size) else "–",
                contrast.finding,
            ]
        )
    return rows


def _range(low: float, high: float, sign: str = "") -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" [{low:{sign}.4f}, {high:{sign}.4f}]"


def evidence_csv(against: Sequence[Contrast]) -> str:
    """The contrasts in full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("method", "reference", "difference", "low", "high", "p", "p_holm")
    writer.writerow([*names, "effect_size", "seeds", "seeds_needed"])
    for contrast in against:
        test = contrast.test
        interval = (test.difference.mean, test.difference.low, test.difference.high)
        tail = (test.effect_size, test.seeds, test.seeds_needed)
        head = (contrast.name, contrast.reference)
        writer.writerow([*head, *interval, test.p_value, contrast.p_adjusted, *tail])
    return out.getvalue()


def to_csv(summaries: Sequence[MethodSummary], primary: str) -> str:
    """Plain numbers in full precision under the keys of ``result.json``, for other programs."""
    shown = columns(summaries, primary)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = [f"{column.key}{suffix}" for column in shown for suffix in ("", "_sd")]
    writer.writerow(["method", "seeds", "runs", *heads])
    for summary in summaries:
        line: list[object] = [summary.name, summary.seeds, summary.runs]
        for column in shown:
            kept = (summary.metrics if column.is_metric else summary.cost).get(column.key)
            line += ["", ""] if kept is None else [kept.mean, kept.spread]
        # csv writes None as an empty field: one run has no spread.
        writer.writerow(line)
    return out.getvalue()


def to_latex(summaries: Sequence[MethodSummary], primary: str) -> str:
    """A booktabs ``tabular``; the best of each column bold."""
    shown = columns(summaries, primary)
    rows = [["method", "seeds", *(column.label for column in shown)]]
    rows += [[str(cell) for cell in row] for row in grid(summaries, shown)]
    best = {
        (place, column)
        for place, row in enumerate(grid(summaries, shown), 1)
        for column, cell in enumerate(row)
        if cell.best
    }
    return latex_table(rows, best)


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


def budget_rows(budgets: Sequence[Budget]) -> list[list[str]]:
    """Head and a row a method: what its search got and found."""
    rows = [["method", "trials", "stopped early", "diverged", "seconds", "validation", "chosen"]]
    for one in budgets:
        counts = [str(one.trials), str(one.pruned), str(one.failed)]
        found = [f"{one.seconds:.0f}", f"{one.score:.4f}", " ".join(map(_rounded, one.overrides))]
        rows.append([one.method, *counts, *found])
    return rows


def _rounded(override: str) -> str:
    key, _, value = override.partition("=")
    try:
        return f"{key}={float(value):.3g}"
    except ValueError:
        return override


LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
LATEX |= {"±": r"$\pm$", "–": "--"}


def _latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in text)
