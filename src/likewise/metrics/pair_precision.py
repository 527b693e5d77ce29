"""The precision of predicted matches."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class PairPrecision(MatchingMetric):
    """The share of matches among the pairs that are predicted to match."""

    label = "precision"

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``."""
        return np.where(judged.predicted, judged.labels, np.nan)
