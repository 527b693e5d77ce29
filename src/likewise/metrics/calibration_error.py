"""The expected calibration error."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class CalibrationError(MatchingMetric):
    """Expected calibration error of match probabilities, with bins of equal width.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3; smaller is
    better.

    Args:
        bins: number of bins.
    """

    label = "calibration error"
    higher_is_better = False

    def __init__(self, bins: int = 10) -> None:
        self.bins = bins

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``; the gap of each pair, with the sign of the gap of its bin."""
        gaps = judged.probabilities - judged.labels
        place = np.minimum((judged.probabilities * self.bins).astype(int), self.bins - 1)
        signs = np.sign(np.bincount(place, weights=gaps, minlength=self.bins))
        return gaps * signs[place]
