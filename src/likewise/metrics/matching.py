"""The base class of matching metrics, the threshold and the calibration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np

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


def calibrate(scores: np.ndarray, known_scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Turn scores into probabilities by logistic regression on validation pairs (Platt scaling).

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

    Args:
        scores: float [m].
        known_scores, known: float [v] and int [v], the scores and labels of validation pairs.
    """
    from sklearn.linear_model import LogisticRegression

    spread = known_scores.std() or 1.0
    centre = known_scores.mean()
    curve = LogisticRegression(C=1e3, max_iter=1000)
    curve.fit(((known_scores - centre) / spread)[:, None], known)
    return curve.predict_proba(((scores - centre) / spread)[:, None])[:, 1]
