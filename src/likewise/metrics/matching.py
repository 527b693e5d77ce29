"""The base class of matching metrics, and the calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


class MatchingMetric(DescribedMetric):
    """The mean of a value per pair, so that paired tests of methods work as for queries.

    Pairs with NaN are left out.
    """

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """Return one value per pair, float64 [m]."""
        raise NotImplementedError

    def __call__(self, judged: JudgedPairs) -> float:
        """Return the mean over pairs; NaN if all pairs are left out."""
        return finite_mean(self.per_pair(judged))


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
