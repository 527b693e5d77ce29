"""The base of all matching metrics, and what pairs are judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from likewise.metrics.base import DescribedMetric, finite_mean


@dataclass(frozen=True)
class JudgedPairs:
    """Pairs with what was said of them.

    Attributes:
        scores: float64 [m], larger is more alike.
        probabilities: float64 [m], of a match.
        labels: int64 [m], 1 for a match.
        threshold: scores of at least this are called a match.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    threshold: float

    @property
    def predicted(self) -> np.ndarray:
        """bool [m], what is called a match."""
        return self.scores >= self.threshold

    def some(self, rows: np.ndarray) -> JudgedPairs:
        """Those of ``rows``, int64 or bool."""
        kept = self.scores[rows], self.probabilities[rows], self.labels[rows]
        return replace(self, scores=kept[0], probabilities=kept[1], labels=kept[2])


class MatchingMetric(DescribedMetric):
    """The mean over pairs of a value; so paired tests between methods work as for queries.

    A pair whose value is NaN does not count.
    """

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """Float64 [m]."""
        raise NotImplementedError

    def __call__(self, judged: JudgedPairs) -> float:
        """The metric; NaN where no pair counts."""
        return finite_mean(self.per_pair(judged))


def best_threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """The threshold of the best F1, in the middle between two scores.

    Args:
        scores: float [m], of validation pairs.
        labels: int [m], 0 or 1.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(labels[order])
    # Only between different scores can the line be drawn.
    ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
    f1 = 2 * hits[ends] / (ends + 1 + labels.sum())
    best = int(ends[f1.argmax()])
    if best + 1 == len(ordered):
        return float(ordered[-1])
    middle = (ordered[best] + ordered[best + 1]) / 2
    # Between neighbouring floats there is no middle.
    return float(middle if ordered[best + 1] < middle else ordered[best])


def calibrate(scores: np.ndarray, known_scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Probabilities of a match, by a logistic curve through validation pairs.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999.

    Args:
        scores: float [m].
        known_scores, known: float [v] and int [v], scores and labels of validation pairs.
    """
    from sklearn.linear_model import LogisticRegression

    spread = known_scores.std() or 1.0
    centre = known_scores.mean()
    curve = LogisticRegression(C=1e3, max_iter=1000)
    curve.fit(((known_scores - centre) / spread)[:, None], known)
    return curve.predict_proba(((scores - centre) / spread)[:, None])[:, 1]
