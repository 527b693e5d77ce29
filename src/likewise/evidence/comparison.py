"""Finished runs in, all that is known of them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likewise.evidence.budget import Budget
from likewise.evidence.contrasts import Contrast, contrasts
from likewise.evidence.leaders import leaders
from likewise.evidence.leaks import LeakReport, read_leaks
from likewise.evidence.results import MethodSummary, RunResult, by_method, doubts, summarise
from likewise.evidence.verdict import caveat, verdict


@dataclass(frozen=True)
class Comparison:
    """What is known of a study's methods, the best first.

    Attributes:
        study: its facts: ``name``, ``question``, ``primary`` and where known ``baseline``,
            ``methods``, ``seeds``, ``overrides``, ``pool_seed_variance``.
        baseline: the method the others are measured by; ``None`` where it has no run.
        against_baseline, against_best: every other method's contrasts, the best first.
        leaders: by test metric, the best method and those not told from it; see ``leaders``.
        budgets: what the search for each method got; empty without one.
        leaks: between the splits of the data, where they were looked for.
        folder: where the study's files are.
    """

    study: Mapping[str, Any]
    results: Sequence[RunResult]
    summaries: Sequence[MethodSummary]
    baseline: str | None
    against_baseline: Sequence[Contrast]
    against_best: Sequence[Contrast]
    leaders: Mapping[str, frozenset[str]]
    budgets: Sequence[Budget]
    leaks: LeakReport | None
    folder: Path

    @property
    def primary(self) -> str:
        """The metric that ranks."""
        return str(self.study["primary"])

    def verdict(self) -> list[str]:
        """The answer, a few sentences."""
        return verdict(self.summaries, self.primary, self.against_baseline, self.against_best)

    def caveat(self) -> str:
        """What the evidence does and does not say."""
        return caveat(self.summaries, any(contrast.pooled for contrast in self.against_best))

    def notes(self) -> list[str]:
        """How the runs were trained and scored; a note of some methods only names these."""
        names = list(dict.fromkeys(run.name for run in self.results))
        said: dict[str, list[str]] = {}
        for run in self.results:
            for note in run.notes:
                said.setdefault(note, []).append(run.name)
        found = []
        for note, runs in said.items():
            methods = [name for name in names if name in runs]
            whose = "" if len(methods) == len(names) else f"{', '.join(methods)}: "
            found.append(whose + note)
        return found

    def doubts(self) -> list[str]:
        """What makes the runs hard to compare."""
        found = doubts(self.results)
        wanted = self.study.get("baseline")
        if wanted and self.baseline is None:
            found.append(f"The baseline {wanted} has no finished run.")
        return found


def compare_runs(
    study: Mapping[str, Any],
    results: Sequence[RunResult],
    folder: Path,
    budgets: Sequence[Budget] = (),
) -> Comparison:
    """Summaries and tests of at least one finished run.

    Args:
        study: see ``Comparison``.
        results: of its runs.
        folder: where the study's files are.
        budgets: what the search for each method got.
    """
    primary = str(study["primary"])
    summaries = summarise(results, primary)
    methods = by_method(results)
    wanted = study.get("baseline") or next(iter(study.get("methods") or ()), None)
    baseline = wanted if wanted in methods else None
    order = [summary.name for summary in summaries]
    pool = bool(study.get("pool_seed_variance", True))

    def ordered(reference: str) -> list[Contrast]:
        found = contrasts(results, primary, reference, pool)
        return sorted(found, key=lambda contrast: order.index(contrast.name))

    return Comparison(
        study,
        results,
        summaries,
        baseline,
        ordered(baseline) if baseline else [],
        ordered(order[0]),
        leaders(results, summaries, pool),
        budgets,
        read_leaks(folder),
        folder,
    )
