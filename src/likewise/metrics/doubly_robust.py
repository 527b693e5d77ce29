"""Doubly robust estimators: predicted rewards, corrected by weighted errors of the predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.errors import LikewiseError
from likewise.metrics.off_policy import LoggedRounds, OffPolicyEstimator


class DoublyRobust(OffPolicyEstimator):
    """The mean of q(x) + w (r − q(x, a)), unbiased if the propensities are right.

    Here q(x, a) is the predicted reward of the product that was shown, and q(x) the mean prediction
    under the evaluated policy. Dudík, Langford and Li, "Doubly Robust Policy Evaluation and
    Learning", ICML 2011.
    """

    label = "DR"

    def correction_weights(self, weights: np.ndarray) -> np.ndarray:
        """Return the weights of the errors, float64 [m], from the importance weights."""
        return weights

    def terms(self, rounds: LoggedRounds) -> np.ndarray:
        """See ``OffPolicyEstimator``."""
        weights = self.correction_weights(rounds.weights)
        return rounds.expected + weights * (rounds.reward - rounds.predicted)


class SwitchDoublyRobust(DoublyRobust):
    """Doubly robust where the importance weight is small, and the direct method elsewhere.

    Wang, Agarwal and Dudík, "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits",
    ICML 2017.

    Args:
        threshold: the largest weight that corrects a prediction.
        options: see ``OffPolicyEstimator``.
    """

    label = "SWITCH-DR"

    def __init__(self, threshold: float = 10.0, **options: Any) -> None:
        super().__init__(**options)
        if not threshold >= 0:
            raise LikewiseError(f"threshold={threshold} of SWITCH-DR must be at least 0")
        self.threshold = threshold

    def correction_weights(self, weights: np.ndarray) -> np.ndarray:
        """See ``DoublyRobust``."""
        return np.where(weights <= self.threshold, weights, 0.0)


class ShrunkDoublyRobust(DoublyRobust):
    """Doubly robust with optimistic shrinkage of the weights, λ w / (w² + λ).

    Su, Dimakopoulou, Krishnamurthy and Dudík, "Doubly Robust Off-policy Evaluation with Shrinkage",
    ICML 2020, equation (5).

    Args:
        shrinkage: λ, above 0; infinity leaves the weights unchanged.
        options: see ``OffPolicyEstimator``.
    """

    label = "DRos"

    def __init__(self, shrinkage: float = 100.0, **options: Any) -> None:
        super().__init__(**options)
        if not shrinkage > 0:
            raise LikewiseError(f"shrinkage={shrinkage} of DRos must be above 0")
        self.shrinkage = shrinkage

    def correction_weights(self, weights: np.ndarray) -> np.ndarray:
        """See ``DoublyRobust``."""
        return weights / (weights**2 / self.shrinkage + 1)
