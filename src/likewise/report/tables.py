"""The tables of a comparison: methods, evidence and budgets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from likewise.evidence.budget import Budget
from likewise.evidence.comparison import Comparison
from likewise.evidence.contrasts import Contrast
from likewise.evidence.results import MethodSummary, specification
from likewise.report.columns import Column
from likewise.report.formats import latex_table, markdown_table

# The leading methods by metric, such as ``test/map_at_r``; see ``leaders``.
Leaders = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Cell:
    """A value as text; ``leads`` if the corrected test does not find it worse than the best."""

    mean: str
    spread: str | None = None
    leads: bool = False

    def __str__(self) -> str:
        return self.mean if self.spread is None else f"{self.mean} ± {self.spread}"


def cells(summaries: Sequence[MethodSummary], column: Column, leaders: Leaders) -> list[Cell]:
    """Return the cells of a column; a column without a test, such as a cost, has no marks."""
    made = []
    for summary in summaries:
        value = column.of(summary)
        if value is None:
            made.append(Cell("–"))
            continue
        silent = value.spread is None or (column.counted and value.spread == 0)
        spread = None if silent else column.number(value.spread or 0.0)
        leads = summary.name in leaders.get(column.key, ())
        made.append(Cell(column.number(value.mean), spread, leads))
    return made


def grid(
    summaries: Sequence[MethodSummary], shown: Sequence[Column], leaders: Leaders
) -> list[list[Cell]]:
    """Return one row per method: name, seeds, then the cells of the columns."""
    columns_of_cells = [cells(summaries, column, leaders) for column in shown]
    return [
        [Cell(summary.name), Cell(seeds_text(summary)), *(made[row] for made in columns_of_cells)]
        for row, summary in enumerate(summaries)
    ]


def heads(shown: Sequence[Column]) -> list[str]:
    """Return the head of ``grid``."""
    return ["method", "seeds", *(column.label for column in shown)]


def seeds_text(summary: MethodSummary) -> str:
    """Return the number of seeds, and the number of runs if it is larger."""
    runs = f" ({summary.runs} runs)" if summary.runs != summary.seeds else ""
    return f"{summary.seeds}{runs}"


def footnote(summaries: Sequence[MethodSummary], mark: str) -> str:
    """Explain the marks and standard deviations of a table of methods.

    Args:
        mark: the name of the mark in the format of the table, such as ``Bold``.
    """
    parts = []
    if len(summaries) > 1:
        parts.append(
            f"{mark}: the best score, and the scores that the paired test (corrected after Holm) "
            "does not tell from it; costs are not tested"
        )
    if any(summary.runs > 1 for summary in summaries):
        parts.append("± sample standard deviation over runs")
    if any(summary.runs == 1 for summary in summaries):
        parts.append("one run has no spread and leaves every difference open")
    return "; ".join(parts)


def to_markdown(
    summaries: Sequence[MethodSummary], shown: Sequence[Column], leaders: Leaders
) -> str:
    """Return the methods as a Markdown table with a footnote; the leaders are bold."""
    rows = [heads(shown)]
    rows += [
        [f"**{cell}**" if cell.leads else str(cell) for cell in row]
        for row in grid(summaries, shown, leaders)
    ]
    return f"{markdown_table(rows)}\n\n{footnote(summaries, 'Bold')}.\n"


def to_latex(summaries: Sequence[MethodSummary], shown: Sequence[Column], leaders: Leaders) -> str:
    """Return the methods as a booktabs ``tabular``; the leaders are bold."""
    body = grid(summaries, shown, leaders)
    rows = [heads(shown), *([str(cell) for cell in row] for row in body)]
    bold = {
        (place, column)
        for place, row in enumerate(body, 1)
        for column, cell in enumerate(row)
        if cell.leads
    }
    return latex_table(rows, bold)


def to_csv(summaries: Sequence[MethodSummary], shown: Sequence[Column]) -> str:
    """Return numbers in full precision by the keys of ``result.json``, for other programs."""
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


def evidence(comparison: Comparison) -> list[list[str]]:
    """Return a head and one row per method: mean, difference from the baseline, test and finding.

    Methods without a contrast with the baseline have empty cells.
    """
    found = {contrast.name: contrast for contrast in comparison.against_baseline}
    label = specification(comparison.summaries, comparison.primary).label
    rows = [["method", f"{label} [95 %]", "difference [95 %]", "p (Holm)", "effect d", "finding"]]
    for summary in comparison.summaries:
        value = summary.metrics[f"test/{comparison.primary}"]
        row = [summary.name, f"{value.mean:.4f}"]
        if interval := comparison.intervals.get(summary.name):
            row[1] += _range(interval.low, interval.high)
        contrast = found.get(summary.name)
        if contrast is None:
            rows.append([*row, "", "", "", "baseline" if found else ""])
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
    """Return the contrasts in full precision."""
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


def budget_rows(budgets: Sequence[Budget]) -> list[list[str]]:
    """Return a head and one row per method: the budget and result of its search."""
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
