"""The direct method."""

from __future__ import annotations

import numpy as np

from likewise.metrics.off_policy import LoggedRounds, OffPolicyEstimator


class DirectMethod(OffPolicyEstimator):
    """The mean predicted reward of the evaluated policy.

    Beygelzimer and Langford, "The Offset Tree for Learning with Partial Labels", KDD 2009. The
    interval covers the draw of contexts; it does not cover the error of the predictions.
    """

    label = "DM"
    weighs = False

    def terms(self, rounds: LoggedRounds) -> np.ndarray:
        """See ``OffPolicyEstimator``."""
        return rounds.expected
