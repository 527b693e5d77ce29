"""The Brier score."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class Brier(MatchingMetric):
    """Mean squared error of the probability of a match; smaller is better.

    Brier, "Verification of forecasts expressed in terms of probability", 1950.
    """

    label = "Brier score"
    higher_is_better = False

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``."""
        return (judged.probabilities - judged.labels) ** 2
