"""The base class of matching metrics, and the rule that decides from a score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

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
        threshold: pairs with at least this score are predicted to match.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    threshold: float

    @property
    def predicted(self) -> np.ndarray:
        """Whether each pair is predicted to match, bool [m]."""
        return self.scores >= self.threshold

    def some(self, rows: np.ndarray) -> JudgedPairs:
        """Select the pairs ``rows``, int64 or bool."""
        kept = self.scores[rows], self.probabilities[rows], self.labels[rows]
        return replace(self, scores=kept[0], probabilities=kept[1], labels=kept[2])


@dataclass(frozen=True)
class DecisionRule:
    """The threshold and the calibration of the scores of a matcher.

    Attributes:
        threshold: pairs with at least this score are predicted to match.
        slope, intercept: the probability of a match is ``sigmoid(slope * score + intercept)``.
    """

    threshold: float
    slope: float
    intercept: float

    @classmethod
    def fit(cls, scores: np.ndarray, labels: np.ndarray) -> DecisionRule:
        """Choose the threshold with the best F1, and calibrate by Platt scaling.

        Args:
            scores, labels: float64 [m] and int64 [m], of validation pairs.
        """
        return cls(best_threshold(scores, labels), *platt_scaling(scores, labels))

    def judge(self, scores: np.ndarray, labels: np.ndarray) -> JudgedPairs:
        """Judge pairs by their scores, float64 [m]; ``labels`` are int64 [m]."""
        probabilities = expit(self.slope * scores + self.intercept)
        return JudgedPairs(scores, probabilities, labels, self.threshold)


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


def best_threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the threshold with the best F1, in the middle between two scores.

    Args:
        scores: float [m], the scores of validation pairs.
        labels: int [m], 0 or 1.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(labels[order])
    # A threshold must lie between two different scores.
    ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    f1 = 2 * hits[ends] / (ends + 1 + labels.sum())
    best = int(ends[f1.argmax()])
    if best + 1 == len(ordered):
        return float(ordered[-1])
    middle = (ordered[best] + ordered[best + 1]) / 2
    # There is no float between two adjacent floats.
    return float(middle if ordered[best + 1] < middle else ordered[best])


def platt_scaling(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of the log-odds of a match, by logistic regression on scores.

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
    return slope, float(curve.intercept_[0] - slope * centre)
