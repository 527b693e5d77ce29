"""Ask `likewise advise` about every measured data set, without its own results as evidence.

For each data set of experiments/evidence.json, all rows of this data set (with any options) are
left out, and the method that is then proposed is looked up among its measured results: a row with
the same options, or with the same parts (marked ~; the lowest score of several counts). The gap to
the best measured method that fits the budget is printed in points (0.01 of the metric).

    LIKEWISE_DATA=... python scripts/check_advice.py [--budget 10min] [--only fashion_mnist]
"""

from __future__ import annotations

import argparse
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from likewise.advice.doubts import doubts
from likewise.advice.evidence import EvidenceTable, Measured, shipped_evidence
from likewise.advice.fitting import obstacle
from likewise.advice.question import Question, ask
from likewise.advice.ranking import TimedMethod, parse_time
from likewise.advice.selection import Selection, select
from likewise.errors import LikewiseError

HEAD = ("data", "task", "nearest", "proposed", "measured there", "best measured", "gap", "thin")


@dataclass(frozen=True)
class Asked:
    """One data set, one task: what was proposed and what was measured."""

    question: Question
    selection: Selection | None
    found: Measured | None
    exact: bool
    best: Measured


def measured_as(proposed: Measured, rows: Sequence[Measured]) -> tuple[Measured | None, bool]:
    """The row of the same composition, or else of the same parts; whether options are the same."""
    same = [row for row in rows if {*row.overrides} == {*proposed.overrides}]
    alike = same or [row for row in rows if row.parts == proposed.parts]
    return min(alike, key=lambda row: row.score, default=None), bool(same)


def check(
    table: EvidenceTable, key: str, task: str, setting: tuple[str, ...], budget: float | None
) -> Asked:
    """Ask about a data set without its own results."""
    name = table.data[key].name
    question = ask([*shlex.split(key), f"task={task}", *setting], budget)
    group = (key, task, setting)
    rows = [row for row in table.rows if (row.data, row.task, row.setting) == group]
    usable = [row for row in rows if obstacle(question.compose(row), question.data) is None]
    within = [row for row in usable if budget is None or row.seconds <= budget] or usable
    best = max(within, key=lambda row: row.score)
    try:
        selection = select(question, table.without([name]))
    except LikewiseError:
        return Asked(question, None, None, False, best)
    return Asked(question, selection, *measured_as(selection.methods[0].measured, rows), best)


def line(table: EvidenceTable, key: str, asked: Asked) -> list[str]:
    """The cells of one data set."""
    best = f"{asked.best.method} {asked.best.score:.4f}"
    # The name and the options that make variants of one data set.
    options = [one for one in shlex.split(key)[1:] if not one.startswith(("data.name", "data@"))]
    name = " ".join([table.data[key].name, *options, *asked.best.setting])
    if asked.selection is None:
        return [name, asked.best.task, "–", "nothing can be proposed", "–", best, "–", "–"]
    first: TimedMethod = asked.selection.methods[0]
    there, gap = "not measured", "?"
    if asked.found is not None:
        there = f"{'' if asked.exact else '~ '}{asked.found.method} {asked.found.score:.4f}"
        gap = f"{100 * (asked.best.score - asked.found.score):.2f}"
    proposed = f"{first.measured.method} ({first.measured.study})"
    thin = len(asked.selection.thin) + len([*doubts(asked.question, asked.selection)])
    near = asked.selection.near.known.name
    return [name, asked.best.task, near, proposed, there, best, gap, str(thin)]


def main() -> None:
    """Print one Markdown row per data set and task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", help="time of training, such as 10min")
    parser.add_argument("--only", help="the name of one data set")
    options = parser.parse_args()
    budget = parse_time(options.budget) if options.budget else None
    table = shipped_evidence()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, budget {options.budget or 'any'}\n")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for group in dict.fromkeys((row.data, row.task, row.setting) for row in table.rows):
        key, task, setting = group
        if options.only in (None, table.data[key].name):
            asked = check(table, key, task, setting, budget)
            print(f"| {' | '.join(line(table, key, asked))} |", flush=True)


if __name__ == "__main__":
    main()
