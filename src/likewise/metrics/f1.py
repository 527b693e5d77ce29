"""The F1 score of matches."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class F1(MatchingMetric):
    """F1 score of matches: 2 TP / (2 TP + FP + FN).

    The value of a pair is F1 + (a - F1 b) / mean(b) with a = 2 TP and b = 2 TP + FP + FN of that
    pair alone: the mean is F1, and the spread of these values is its error by the delta method.
    """

    label = "F1"

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``."""
        predicted, labels = judged.predicted.astype(np.float64), judged.labels.astype(np.float64)
        above, below = 2 * predicted * labels, predicted + labels
        if not below.any():
            return np.full(len(below), np.nan)
        f1 = above.sum() / below.sum()
        return f1 + (above - f1 * below) / below.mean()
