"""The leading methods in each metric: the best and those not significantly worse."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyarrow.parquet as pq

from likewise.evidence.contrasts import contrasts
from likewise.evidence.results import MethodSummary, RunResult, specification


def leaders(
    results: Sequence[RunResult],
    summaries: Sequence[MethodSummary],
    pool_seed_variance: bool = True,
) -> dict[str, frozenset[str]]:
    """Return the names of the leading methods by test metric, such as ``test/map_at_r``.

    A method leads if its mean is the best one, or if the paired test against the best method,
    with Holm's correction for the number of methods, finds no significant difference. Metrics
    without saved per-query values cannot be tested and are left out.

    Args:
        results: the results of all methods.
        summaries: the summaries of all methods.
        pool_seed_variance: see ``contrasts``.
    """
    kept = {run.folder: _columns(run) for run in results}
    keys = dict.fromkeys(key for summary in summaries for key in summary.metrics)
    found = {}
    for key in keys:
        split, _, name = key.partition("/")
        means = {
            summary.name: summary.metrics[key].mean
            for summary in summaries
            if key in summary.metrics and math.isfinite(summary.metrics[key].mean)
        }
        tested = [run for run in results if run.name in means]
        if split != "test" or not tested or any(name not in kept[run.folder] for run in tested):
            continue
        higher = specification(summaries, name).higher_is_better
        best = (max if higher else min)(means, key=lambda method: means[method])
        against = contrasts(tested, name, best, pool_seed_variance)
        found[key] = frozenset([best, *(one.name for one in against if not one.differs)])
    return found


def _columns(run: RunResult) -> list[str]:
    path = run.folder / "per_query.parquet"
    return pq.read_schema(path).names if path.is_file() else []
