"""The base class of matching metrics, and the calibration of scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class JudgedPairs:
    """Pairs with their scores, probabilities and labels.

    Attributes:
        scores: float64 [m], larger for more similar.
        probabilities: float64 [m], the probabilities of a match.
        labels: int64 [m], 1 for a match and 0 otherwise.
        threshold: pairs with at least this score are predicted to match; one for all pairs, or one
            for each, float64 [m].
    """

    scores: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    threshold: float | np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Whether each pair is predicted to match, bool [m]."""
        return self.scores >= self.threshold

    def some(self, rows: np.ndarray) -> JudgedPairs:
        """Select the pairs ``rows``, int64 or bool."""
        kept = self.scores[rows], self.probabilities[rows], self.labels[rows]
        own = self.threshold[rows] if isinstance(self.threshold, np.ndarray) else self.threshold
        return JudgedPairs(*kept, own)


class MatchingMetric(DescribedMetric, ABC):
    """The mean of a value per pair, so that paired tests of methods work as for queries.

    Pairs with NaN are left out.
    """

    @abstractmethod
    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """Return one value per pair, float64 [m]."""

    def __call__(self, judged: JudgedPairs) -> float:
        """Return the mean over pairs; NaN if all pairs are left out."""
        return finite_mean(self.per_pair(judged))


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities, ``sigmoid(slope * score + intercept)``."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, scores: np.ndarray, labels: np.ndarray) -> Calibration:
        """Fit a logistic regression to scores.

        Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

        Args:
            scores, labels: float [m] and int [m], of validation pairs.
        """
        from sklearn.linear_model import LogisticRegression

        spread = scores.std() or 1.0
        centre = scores.mean()
        curve = LogisticRegression(C=1e3, max_iter=1000)
        curve.fit(((scores - centre) / spread)[:, None], labels)
        slope = float(curve.coef_[0, 0] / spread)
        return cls(slope, float(curve.intercept_[0] - slope * centre))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return the probabilities of scores, both float64 [m]."""
        return np.asarray(expit(self.slope * scores + self.intercept))
