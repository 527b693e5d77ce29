"""Metrics of the lists that a policy shows in simulated visits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from likewise.metrics.base import DescribedMetric


@dataclass(frozen=True)
class ShownLists:
    """What lists are worth under the true click model.

    Attributes:
        expected: float64 [m], the expected clicks of the list of each visit.
        best: float64 [m], those of the best list.
    """

    expected: np.ndarray
    best: np.ndarray


class VisitMetric(DescribedMetric, ABC):
    """A number per visit; a subclass defines ``per_visit``."""

    range = (0.0, float("inf"))

    @abstractmethod
    def per_visit(self, shown: ShownLists) -> np.ndarray:
        """Return the score of each visit, float64 [m]."""


class ExpectedClicks(VisitMetric):
    """The expected number of clicks on the list that was shown."""

    label = "clicks per visit"

    def per_visit(self, shown: ShownLists) -> np.ndarray:
        """See ``VisitMetric``."""
        return shown.expected


class Regret(VisitMetric):
    """The expected clicks of the best list less those of the list that was shown."""

    label = "regret per visit"
    higher_is_better = False

    def per_visit(self, shown: ShownLists) -> np.ndarray:
        """See ``VisitMetric``; rounding must not make it negative."""
        return np.maximum(shown.best - shown.expected, 0.0)
