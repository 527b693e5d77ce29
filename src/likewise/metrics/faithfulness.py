"""The base class of metrics of explanations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean


class ScoredRemovals(Protocol):
    """What metrics of explanations read; see ``likewise.explanations.faithfulness``."""

    @property
    def deletion(self) -> np.ndarray:
        """Scores while the units of the largest contributions are removed first, [m, steps]."""

    @property
    def insertion(self) -> np.ndarray:
        """Scores while they are put back first, [m, steps]."""

    @property
    def random_deletion(self) -> np.ndarray:
        """Mean scores while units are removed in random orders, [m, steps]."""

    @property
    def random_insertion(self) -> np.ndarray:
        """Mean scores while units are put back in random orders, [m, steps]."""

    @property
    def scale(self) -> float:
        """The standard deviation of the scores of the split."""

    @property
    def correlation(self) -> np.ndarray:
        """Rank correlations with the contributions of shuffled weights, [m]."""


class FaithfulnessMetric(DescribedMetric, ABC):
    """The mean of a value per pair; pairs with NaN are left out."""

    range = (-float("inf"), float("inf"))

    @abstractmethod
    def per_pair(self, curves: ScoredRemovals) -> np.ndarray:
        """Return one value per pair, float64 [m]."""

    def __call__(self, curves: ScoredRemovals) -> float:
        """Return the mean over pairs; NaN if all pairs are left out."""
        return finite_mean(self.per_pair(curves))


def area_between(above: np.ndarray, below: np.ndarray, scale: float) -> np.ndarray:
    """Return the area between two curves over [0, 1], by the trapezoidal rule, in units of scale.

    Args:
        above, below: float64 [m, steps], at equal distances.
    """
    difference = (above - below) / max(scale, 1e-12)
    return np.asarray(np.trapezoid(difference, dx=1 / (difference.shape[1] - 1), axis=1))
