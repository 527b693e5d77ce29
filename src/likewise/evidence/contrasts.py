"""Contrasts of every method with the baseline and with the best method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from likewise.errors import LikewiseError
from likewise.evidence.clusters import number_clusters
from likewise.evidence.results import RunResult, by_method
from likewise.evidence.seed_variance import SeedVariance, pool_seeds
from likewise.evidence.statistics import Interval, PairedTest, holm, paired_test, score_interval

ALPHA = 0.05
# The columns by which pairs depend on each other, for runs that did not record them.
PAIRED = ("left_id", "right_id")
# Columns of the table of test units by the name that runs of earlier versions use.
EARLIER = {"unit_id": "product_id"}


@dataclass(frozen=True)
class Contrast:
    """The comparison of one method with a reference.

    Attributes:
        name: the name of the method.
        reference: the name of the method it is compared with.
        test: the paired test of per-query scores, over the seeds that both methods have.
        p_adjusted: p-value with Holm's correction for all contrasts with this reference; NaN with
            a single seed.
        pooled: whether the variance over seeds was moderated by those of the other methods.
    """

    name: str
    reference: str
    test: PairedTest
    p_adjusted: float
    pooled: bool = False

    @property
    def differs(self) -> bool:
        """Whether the difference is significant at 5 %, corrected for the number of contrasts."""
        return self.p_adjusted < ALPHA

    @property
    def finding(self) -> str:
        """The finding in words."""
        if self.differs:
            return "better" if self.test.difference.mean > 0 else "worse"
        if self.test.seeds < 2:
            return "open: one seed each"
        if self.test.difference.mean == 0 and self.test.p_value == 1:
            return "no difference"
        needed = self.test.seeds_needed
        more = f"about {needed} seeds would" if needed else "more seeds alone would not"
        return f"no difference shown; {more}"


def contrasts(
    results: Sequence[RunResult], primary: str, reference: str, pool_seed_variance: bool = True
) -> list[Contrast]:
    """Compare every other method with ``reference``, in the order of the runs.

    Args:
        results: the results of all methods of the study.
        primary: the metric.
        reference: the name of one of the methods.
        pool_seed_variance: moderate the variance over seeds by those of the other methods, if there
            are enough methods; see ``PooledSeeds``.

    Raises:
        LikewiseError: the reference has no finished run, or runs that should share their queries
            do not.
    """
    methods = by_method(results)
    if reference not in methods:
        raise LikewiseError(f"{reference} has no finished run; there are {', '.join(methods)}")
    if len(methods) == 1:
        return []
    scores = _scores(methods, primary)
    pool = pool_seeds(_seed_means(scores)) if pool_seed_variance else None
    others = [name for name in methods if name != reference]
    shared = {name: pool.difference(name, reference) if pool else None for name in others}
    clusters = _clusters(results)
    tests = {
        name: _paired(name, reference, methods, scores, shared[name], clusters) for name in others
    }
    adjusted = holm([test.p_value for test in tests.values()])
    return [
        Contrast(name, reference, test, p_value, shared[name] is not None)
        for (name, test), p_value in zip(tests.items(), adjusted, strict=True)
    ]


def score_intervals(results: Sequence[RunResult], primary: str) -> dict[str, Interval]:
    """Return the interval of each method's score, over seeds and test units.

    Args:
        results: the results of all methods of the study.
        primary: the metric.
    """
    clusters = _clusters(results)
    found = {}
    for name, runs in _scores(by_method(results), primary).items():
        units = [ids for ids, _ in runs.values()]
        # Runs that were tested on different units have no common interval.
        if all(ids == units[0] for ids in units):
            values = np.stack([values for _, values in runs.values()])
            if np.isfinite(values).all(axis=0).any():
                found[name] = score_interval(values, 1 - ALPHA, clusters)
    return found


# By method and seed, the ids of the units and their scores.
Scores = Mapping[str, Mapping[int, tuple[list[str], np.ndarray]]]


def _scores(methods: Mapping[str, Sequence[RunResult]], primary: str) -> Scores:
    return {
        name: {seed: per_query(run, primary) for seed, run in _by_seed(runs).items()}
        for name, runs in methods.items()
    }


def _paired(
    name: str,
    reference: str,
    methods: Mapping[str, Sequence[RunResult]],
    scores: Scores,
    seed_variance: SeedVariance | None,
    clusters: tuple[np.ndarray, ...],
) -> PairedTest:
    one, other = scores[name], scores[reference]
    shared = sorted(one.keys() & other.keys())
    # Without common seeds, the runs of both methods may be paired in any way.
    pairs = [(seed, seed) for seed in shared] or list(zip(one, other, strict=False))
    folders = {(method, run.seed): run.folder for method in methods for run in methods[method]}
    first = other[pairs[0][1]][0]
    for mine, theirs in pairs:
        for method, seed in ((name, mine), (reference, theirs)):
            if scores[method][seed][0] != first:
                raise LikewiseError(
                    f"{folders[method, seed]} was tested on other products than "
                    f"{folders[reference, pairs[0][1]]}; "
                    "methods can be compared on the same test products only"
                )
    return paired_test(
        np.stack([one[mine][1] for mine, _ in pairs]),
        np.stack([other[theirs][1] for _, theirs in pairs]),
        1 - ALPHA,
        clusters,
        seed_variance,
    )


def _seed_means(scores: Scores) -> dict[str, list[float]]:
    """The mean of each run over the units for which all runs of its method have a score."""
    means = {}
    for name, runs in scores.items():
        columns = [values for _, values in runs.values()]
        if len({len(values) for values in columns}) > 1:
            continue
        table = np.stack(columns)
        table = table[:, np.isfinite(table).all(axis=0)]
        if table.size:
            means[name] = [float(mean) for mean in table.mean(axis=1)]
    return means


def _clusters(results: Sequence[RunResult]) -> tuple[np.ndarray, ...]:
    """The clusters of the test units, from the first run that recorded them.

    For older runs that did not record clusters, pairs depend on each other by their products.
    """
    run = next((run for run in results if run.clusters is not None), results[0])
    names = run.clusters
    if names is None:
        columns = pq.read_schema(run.folder / "per_query.parquet").names
        names = PAIRED if set(PAIRED) <= set(columns) else ()
    if not names:
        return ()
    table = read_units(run, names)
    return tuple(number_clusters([table[name].to_numpy(zero_copy_only=False) for name in names]))


def _by_seed(runs: Sequence[RunResult]) -> dict[int, RunResult]:
    return {run.seed: run for run in sorted(runs, key=lambda run: run.id)}


def per_query(run: RunResult, primary: str) -> tuple[list[str], np.ndarray]:
    """Read the names of a run's test units and their scores, float64 [units]."""
    table = read_units(run, ["unit_id", primary])
    return table["unit_id"].to_pylist(), table[primary].to_numpy().astype(np.float64)


def read_units(run: RunResult, columns: Sequence[str]) -> pa.Table:
    """Read columns of the table of a run's test units, which has one row per unit.

    Raises:
        LikewiseError: the table is missing or damaged, or lacks a column.
    """
    path = run.folder / "per_query.parquet"
    try:
        known = pq.read_schema(path).names
        stored = [EARLIER.get(name, name) if name not in known else name for name in columns]
        return pq.read_table(path, columns=stored).select(stored).rename_columns(list(columns))
    except (OSError, ValueError, KeyError) as error:
        raise LikewiseError(
            f"{path} cannot be read ({' '.join(str(error).split())}); delete its folder and run "
            "again"
        ) from error
