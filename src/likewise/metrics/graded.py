"""The base class of metrics of graded rankings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class GradedRanking:
    """Products that people graded for queries, with the scores of a model that rank them.

    Attributes:
        query: int64 [m], the query of each product, from 0 to q - 1 without gaps.
        scores: float64 [m], finite; larger scores rank higher.
        grades: float64 [m]; larger grades are better.
        lowest_grade: products of this grade or a lower one have no gain.
    """

    query: np.ndarray
    scores: np.ndarray
    grades: np.ndarray
    lowest_grade: float = 0.0


class GradedMetric(DescribedMetric, ABC):
    """The mean of a value per query; queries with NaN are left out."""

    @abstractmethod
    def per_query(self, ranking: GradedRanking) -> np.ndarray:
        """Return one value per query, float64 [q]."""

    def __call__(self, ranking: GradedRanking) -> float:
        """Return the mean over queries; NaN if all queries are left out."""
        return finite_mean(self.per_query(ranking))
