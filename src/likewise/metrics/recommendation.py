"""The base of all metrics of recommended lists, and what they are computed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class Recommended:
    """Whole catalogues ranked for people, and which products these people then had.

    Attributes:
        top: int64 [u, depth], the best products of each person, best first.
        person: int64 [t], the person of each product that was to be found, ascending.
        rank: int64 [t], where it stands among all products that could be recommended, from 1.
        popularity: float64 [n], the share of the training people who had a product.
        properties: float32 [n, p], 1 where a product has a property, such as a brand or a category;
            without columns where nothing is known of the products.
    """

    top: np.ndarray
    person: np.ndarray
    rank: np.ndarray
    popularity: np.ndarray
    properties: csr_matrix

    @property
    def wanted(self) -> np.ndarray:
        """int64 [u], how many products were to be found for each person."""
        return np.bincount(self.person, minlength=len(self.top))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """float64 [u]: values [t] of the products to be found, added up for each person."""
        return np.bincount(self.person, weights=values, minlength=len(self.top))


class RecommendationMetric(DescribedMetric, ABC):
    """The mean of a value per person; persons with NaN are left out.

    Attributes:
        depth: how many of the best products it looks at; 0 where ranks are enough.
    """

    depth = 0

    @abstractmethod
    def per_person(self, recommended: Recommended) -> np.ndarray:
        """Return one value per person, float64 [u]."""

    def __call__(self, recommended: Recommended) -> float:
        """Return the mean over persons; NaN if all persons are left out."""
        return finite_mean(self.per_person(recommended))
