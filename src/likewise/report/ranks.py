"""Ranks of methods over the data sets of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from likewise.atomic import atomic
from likewise.evidence.comparison import Comparison
from likewise.evidence.results import specification
from likewise.evidence.statistics import Ranks, rank_methods
from likewise.figures.base import png_bytes
from likewise.report.figures import critical_difference
from likewise.report.formats import markdown_table

ALPHA = 0.05


def ranked(comparisons: Sequence[Comparison]) -> tuple[list[str], Ranks] | None:
    """Rank the methods with runs on every data set by their mean scores.

    Returns ``None`` for fewer than two data sets or three methods, which cannot be tested.
    """
    key = f"test/{comparisons[0].primary}"
    scores = [
        {summary.name: summary.metrics[key].mean for summary in comparison.summaries}
        for comparison in comparisons
    ]
    names = [name for name in scores[0] if all(name in one for one in scores)]
    if len(scores) < 2 or len(names) < 3:
        return None
    ranks = rank_methods(np.array([[one[name] for name in names] for one in scores]), ALPHA)
    return names, ranks


def finding_of(names: Sequence[str], ranks: Ranks, sets: int) -> str:
    """Return the finding in one or two sentences."""
    best = names[int(np.argmin(ranks.mean_ranks))]
    lead = f"{best} ranks best over {sets} data sets, {min(ranks.mean_ranks):.2f} on average."
    if not ranks.p_value < ALPHA:
        return (
            f"{lead} But Friedman's test does not tell the methods apart (p = {ranks.p_value:.3f})"
            "; more data sets are needed."
        )
    limit = min(ranks.mean_ranks) + ranks.critical_difference
    close = [
        name
        for name, rank in zip(names, ranks.mean_ranks, strict=True)
        if name != best and rank < limit
    ]
    apart = f" Nemenyi's test does not tell it from {', '.join(close)}." if close else ""
    return f"{lead} The methods differ (Friedman, p = {ranks.p_value:.3f}).{apart}"


def write_ranks(comparisons: Sequence[Comparison], name: str, folder: Path) -> str:
    """Write ``RESULTS.md`` and ``ranks.png`` over all data sets; return the finding.

    Args:
        comparisons: one comparison per data set.
        name, folder: the name and the folder of the study.
    """
    found = ranked(comparisons)
    label = specification(comparisons[0].summaries, comparisons[0].primary).label
    parts = [f"# {name}", " ".join(str(comparisons[0].study["question"]).split())]
    if found is None:
        finding = "Ranks need at least two data sets and three methods with runs on all of them."
        parts.append(finding)
    else:
        names, ranks = found
        finding = finding_of(names, ranks, len(comparisons))
        figure = critical_difference(names, ranks.mean_ranks, ranks.critical_difference)
        (folder / "ranks.png").write_bytes(png_bytes(figure))
        order = np.argsort(ranks.mean_ranks, kind="stable")
        rows = [["method", "mean rank", *(str(one.study["name"]) for one in comparisons)]]
        for place in order:
            values = [_mean(one, names[place]) for one in comparisons]
            rows.append([names[place], f"{ranks.mean_ranks[place]:.2f}", *values])
        parts += [
            f"**{finding}**",
            markdown_table(rows),
            f"Test {label}, means over seeds. Ranks closer than the critical difference, "
            f"{ranks.critical_difference:.2f}, are not told apart (Demšar 2006). "
            "See `ranks.png`, and the folder of each data set for its own results.",
        ]
    with atomic(folder / "RESULTS.md") as partial:
        partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return finding


def _mean(comparison: Comparison, name: str) -> str:
    found = next(summary for summary in comparison.summaries if summary.name == name)
    return f"{found.metrics[f'test/{comparison.primary}'].mean:.4f}"
