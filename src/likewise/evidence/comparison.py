"""Comparison of finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from likewise.evidence.budget import Budget
from likewise.evidence.contrasts import Contrast, contrasts, score_intervals
from likewise.evidence.leaders import leaders
from likewise.evidence.leaks import LeakReport, read_leaks
from likewise.evidence.results import MethodSummary, RunResult, by_method, doubts, summarise
from likewise.evidence.statistics import Interval
from likewise.evidence.verdict import caveat, verdict

ONCE = "Nothing in it is random, so that it was run once; the run counts for every seed."


@dataclass(frozen=True)
class Comparison:
    """The comparison of a study's methods, with the best method first.

    Attributes:
        study: facts on the study: ``name``, ``question``, ``primary`` and where known ``baseline``,
            ``methods``, ``seeds``, ``deterministic``, ``overrides``, ``pool_seed_variance``.
        baseline: the method with which the others are compared; ``None`` if it has no run.
        against_baseline, against_best: every other method's contrasts, the best first.
        intervals: by method, the 95 % interval of the primary metric over seeds and test units.
        leaders: by test metric, the best method and those not significantly worse; see ``leaders``.
        budgets: the budget of the search for each method; empty without a search.
        leaks: leaks between the splits of the data, if they were counted.
        folder: where the study's files are.
    """

    study: Mapping[str, Any]
    results: Sequence[RunResult]
    summaries: Sequence[MethodSummary]
    baseline: str | None
    against_baseline: Sequence[Contrast]
    against_best: Sequence[Contrast]
    intervals: Mapping[str, Interval]
    leaders: Mapping[str, frozenset[str]]
    budgets: Sequence[Budget]
    leaks: LeakReport | None
    folder: Path

    @property
    def primary(self) -> str:
        """The metric that ranks the methods."""
        return str(self.study["primary"])

    def verdict(self) -> list[str]:
        """The answer of the study in a few sentences."""
        return verdict(self.summaries, self.primary, self.against_baseline, self.against_best)

    def caveat(self) -> str:
        """What the evidence covers and what it does not."""
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
        """Reasons why the runs are hard to compare."""
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
    """Summarise and test at least one finished run.

    Args:
        study: see ``Comparison``.
        results: the results of its runs.
        folder: where the study's files are.
        budgets: the budgets of the searches.
    """
    primary = str(study["primary"])
    results = _for_every_seed(study, results)
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
        score_intervals(results, primary),
        leaders(results, summaries, pool),
        budgets,
        read_leaks(folder),
        folder,
    )


def _for_every_seed(study: Mapping[str, Any], results: Sequence[RunResult]) -> list[RunResult]:
    """Let the one run of a deterministic method count for every seed of the study."""
    found = []
    for run in results:
        if run.name in study.get("deterministic", ()):
            once = replace(run, notes=(*run.notes, ONCE))
            found += [replace(once, seed=seed) for seed in study["seeds"]]
        else:
            found.append(run)
    return found
