"""Metrics of a model that is updated while products arrive in steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean

POINTS = 100.0


@dataclass(frozen=True)
class Searches:
    """Searches after each step: one entry per query and step, from the arrival of its group on.

    Each search is among the other products of the split whose groups have arrived. Qualities are
    those of one retrieval metric, such as mAP@R, float64 [u]; NaN where there is no such search.

    Attributes:
        step: int64 [u], the step after which the query searches; 0 is the base.
        arrival: int64 [u], the step in which the group of the query arrived.
        quality: with query and gallery embedded by the encoder of this step.
        learned: of the same query in the step of its arrival.
        kept: with query and gallery embedded by the encoder of this step, among the products that
            had arrived when the group of the query did; only after later steps.
        old_index: of the query, embedded by the encoder of this step, among the products of earlier
            steps as the encoder of the step before embedded them; only for old groups.
        before: the same with the query embedded by the encoder of the step before, too.
    """

    step: np.ndarray
    arrival: np.ndarray
    quality: np.ndarray
    learned: np.ndarray
    kept: np.ndarray
    old_index: np.ndarray
    before: np.ndarray


class UpdatingMetric(DescribedMetric, ABC):
    """The mean of a value per query and step; a subclass defines ``per_search``."""

    @abstractmethod
    def per_search(self, searches: Searches) -> np.ndarray:
        """Return one value per query and step, float64 [u]; NaN is left out."""

    def __call__(self, searches: Searches) -> float:
        """Return the mean; NaN if all values are left out."""
        return finite_mean(self.per_search(searches))


class NewProducts(UpdatingMetric):
    """The quality of queries of the groups that have just arrived, after each update."""

    label = "new products"

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        new = (searches.step > 0) & (searches.arrival == searches.step)
        return np.where(new, searches.quality, np.nan)


class OldProducts(UpdatingMetric):
    """The quality of queries of the groups of earlier steps, after each update."""

    label = "old products"

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        return np.where(searches.arrival < searches.step, searches.quality, np.nan)


class SeenProducts(UpdatingMetric):
    """The quality of queries of all groups that have arrived, after each update."""

    label = "all products"

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        return np.where(searches.step > 0, searches.quality, np.nan)


class Forgetting(UpdatingMetric):
    """How much of its quality a query of an old group has lost since its group arrived, in points.

    The quality right after the step of its arrival, less the quality by the current encoder among
    the same products, those that had arrived then. So products that came later and make every
    search harder do not count as forgetting. Negative values are gains.
    """

    label = "forgetting (points)"
    higher_is_better = False
    range = (-POINTS, POINTS)

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        return POINTS * (searches.learned - searches.kept)


class OldIndex(UpdatingMetric):
    """The quality of queries by the current encoder in the index of the encoder before it."""

    label = "old index"

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        return searches.old_index


class CompatibilityGain(UpdatingMetric):
    """How much better the current encoder searches the old index than the one before, in points.

    Embeddings are backward-compatible where this is above 0: Shen et al., "Towards
    Backward-Compatible Representation Learning", CVPR 2020, section 3.1.
    """

    label = "gain in the old index (points)"
    range = (-POINTS, POINTS)

    def per_search(self, searches: Searches) -> np.ndarray:
        """See ``UpdatingMetric``."""
        return POINTS * (searches.old_index - searches.before)
