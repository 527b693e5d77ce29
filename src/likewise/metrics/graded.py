"""The base of all metrics of graded rankings, and what they are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class GradedRanking:
    """Products that people graded for queries, with the scores that a model ranks them by.

    Attributes:
        query: int64 [m], from 0 to q - 1, each of them at least once.
        scores: float64 [m], finite; a larger one ranks higher.
        grades: float64 [m]; a larger one is better.
    """

    query: np.ndarray
    scores: np.ndarray
    grades: np.ndarray


class GradedMetric(DescribedMetric):
    """The mean over queries of a value; a query whose value is NaN does not count."""

    def per_query(self, ranking: GradedRanking) -> np.ndarray:
        """Float64 [q]."""
        raise NotImplementedError(f"{type(self).__name__} must define per_query()")

    def __call__(self, ranking: GradedRanking) -> float:
        """The metric; NaN where no query counts."""
        return finite_mean(self.per_query(ranking))
