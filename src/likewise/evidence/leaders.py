"""Which methods lead in each metric: the best, and those that the runs do not tell from it."""

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
    """By metric of the test, such as ``test/map_at_r``, the names of the leading methods.

    A method leads if its mean is the best one, or if the paired test against the best method,
    corrected after Holm for the number of methods, does not tell the two apart. A metric whose
    values of each query the runs did not keep cannot be tested and is left out.

    Args:
        results: of all methods.
        summaries: of all methods.
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
