"""The base of all metrics of recommended lists, and what they are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from likewise.metrics.specification import MetricSpecification


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


class RecommendationMetric:
    """The mean over people of a value; a person whose value is NaN does not count.

    Attributes:
        label, higher_is_better, range: see ``MetricSpecification``.
        depth: how many of the best products it looks at; 0 where ranks say all.
    """

    label: str = ""
    higher_is_better = True
    range: tuple[float, float] = (0.0, 1.0)
    depth = 0

    @property
    def specification(self) -> MetricSpecification:
        """What the metric says of itself."""
        return MetricSpecification(
            self.label or type(self).__name__, self.higher_is_better, *self.range
        )

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """Float64 [u]."""
        raise NotImplementedError(f"{type(self).__name__} must define per_person()")

    def __call__(self, recommended: Recommended) -> float:
        """The metric; NaN where no person counts."""
        values = self.per_person(recommended)
        values = values[np.isfinite(values)]
        return float(values.mean()) if len(values) else float("nan")
