"""The recall of matches."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class PairRecall(MatchingMetric):
    """The share of matches that are predicted to match."""

    label = "recall"

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``."""
        return np.where(judged.labels == 1, judged.predicted, np.nan)
