"""The threshold with the best F1."""

from __future__ import annotations

import numpy as np

from likewise.thresholds.base import Cuts, Decision, KnownPairs, Threshold


class BestF1(Threshold):
    """The threshold with the best F1 on validation pairs; nothing is promised."""

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``."""
        return Decision(best_threshold(known.scores, known.labels))


def best_threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the threshold with the best F1, in the middle between two scores.

    Args:
        scores: float [m], the scores of validation pairs.
        labels: int [m], 0 or 1.
    """
    cuts = Cuts.of(scores)
    hits = np.cumsum(labels[cuts.order])[cuts.declared - 1]
    f1 = 2 * hits / (cuts.declared + labels.sum())
    return float(cuts.thresholds[f1.argmax()])
