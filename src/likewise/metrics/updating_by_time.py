"""Metrics of recommendations in consecutive periods of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class Predicted:
    """How well the events of each period were predicted, one entry per person and period.

    Qualities are those of one metric of recommended lists, such as nDCG@10, float64 [u]; NaN where
    the person had no such product in the period.

    Attributes:
        new: for products without any event in training.
        old: for the other products.
        seen: for all products.
    """

    new: np.ndarray
    old: np.ndarray
    seen: np.ndarray


class PeriodMetric(DescribedMetric, ABC):
    """The mean of a value per person and period; a subclass defines ``per_person``."""

    @abstractmethod
    def per_person(self, predicted: Predicted) -> np.ndarray:
        """Return one value per person and period, float64 [u]; NaN is left out."""

    def __call__(self, predicted: Predicted) -> float:
        """Return the mean; NaN if all values are left out."""
        return finite_mean(self.per_person(predicted))


class NewProductEvents(PeriodMetric):
    """The quality for products that training did not see."""

    label = "new products"

    def per_person(self, predicted: Predicted) -> np.ndarray:
        """See ``PeriodMetric``."""
        return predicted.new


class OldProductEvents(PeriodMetric):
    """The quality for products that training saw."""

    label = "old products"

    def per_person(self, predicted: Predicted) -> np.ndarray:
        """See ``PeriodMetric``."""
        return predicted.old


class AllProductEvents(PeriodMetric):
    """The quality for all products."""

    label = "all products"

    def per_person(self, predicted: Predicted) -> np.ndarray:
        """See ``PeriodMetric``."""
        return predicted.seen
