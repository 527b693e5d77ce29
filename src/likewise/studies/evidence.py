"""What finished runs prove: every method against the baseline and against the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from likewise.errors import LikewiseError
from likewise.studies.results import RunResult, by_method
from likewise.studies.statistics import PairedTest, holm, paired_test

ALPHA = 0.05


@dataclass(frozen=True)
class Contrast:
    """One method against a reference.

    Attributes:
        name: of the method.
        reference: what it is compared with.
        test: of paired per-query scores over the seeds both have.
        p_adjusted: Holm's over all contrasts with this reference; NaN where one seed leaves it
            open.
    """

    name: str
    reference: str
    test: PairedTest
    p_adjusted: float

    @property
    def differs(self) -> bool:
        """Whether the data tell the two apart at 5 %, corrected for the number of contrasts."""
        return self.p_adjusted < ALPHA

    @property
    def finding(self) -> str:
        """In words."""
        if self.differs:
            return "better" if self.test.difference.mean > 0 else "worse"
        if self.test.seeds < 2:
            return "open: one seed each"
        if self.test.difference.mean == 0 and self.test.p_value == 1:
            return "no difference"
        needed = self.test.seeds_needed
        more = f"about {needed} seeds would" if needed else "more seeds alone would not"
        return f"no difference shown; {more}"


def contrasts(results: Sequence[RunResult], primary: str, reference: str) -> list[Contrast]:
    """Every other method against ``reference``, in the order of the runs.

    Raises:
        LikewiseError: the reference has no finished run, or runs that should share their queries
            do not.
    """
    methods = by_method(results)
    if reference not in methods:
        raise LikewiseError(f"{reference} has no finished run; there are {', '.join(methods)}")
    tests = {
        name: _paired(runs, methods[reference], primary)
        for name, runs in methods.items()
        if name != reference
    }
    adjusted = holm([test.p_value for test in tests.values()])
    return [
        Contrast(name, reference, test, p_value)
        for (name, test), p_value in zip(tests.items(), adjusted, strict=True)
    ]


def _paired(runs: Sequence[RunResult], others: Sequence[RunResult], primary: str) -> PairedTest:
    one, other = _by_seed(runs), _by_seed(others)
    seeds = sorted(one.keys() & other.keys())
    # Without a seed in common any run of the one may stand beside any of the other.
    pairs = (
        [(one[seed], other[seed]) for seed in seeds]
        if seeds
        else list(zip(one.values(), other.values(), strict=False))
    )
    scores = [[per_query(run, primary) for run in pair] for pair in pairs]
    ids = scores[0][0][0]
    for pair, columns in zip(pairs, scores, strict=True):
        for run, (products, _) in zip(pair, columns, strict=True):
            if products != ids:
                raise LikewiseError(
                    f"{run.folder} was tested on other products than {pairs[0][0].folder}; "
                    "methods can be compared on the same test products only"
                )
    first, second = (np.stack([columns[side][1] for columns in scores]) for side in (0, 1))
    return paired_test(first, second, 1 - ALPHA)


def _by_seed(runs: Sequence[RunResult]) -> dict[int, RunResult]:
    return {run.seed: run for run in sorted(runs, key=lambda run: run.id)}


def per_query(run: RunResult, primary: str) -> tuple[list[str], np.ndarray]:
    """Product ids of a run's queries and their scores, float64 [queries]."""
    path = run.folder / "per_query.parquet"
    try:
        table = pq.read_table(path, columns=["product_id", primary])
    except (OSError, ValueError, KeyError) as error:
        raise LikewiseError(
            f"{path} cannot be read ({' '.join(str(error).split())}); delete its folder and run "
            "again"
        ) from error
    return table["product_id"].to_pylist(), table[primary].to_numpy().astype(np.float64)
