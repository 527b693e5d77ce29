"""Self-normalised inverse propensity scoring as a loss."""

from __future__ import annotations

from torch import Tensor

from likewise.losses.off_policy import OffPolicyLoss, PolicyRounds


class SnipsLoss(OffPolicyLoss):
    """Minus Σ w r / Σ w of a batch; unlike IPS, a constant added to all rewards changes nothing.

    Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS
    2015. Its bias falls with the batch size.
    """

    def value(self, rounds: PolicyRounds, weights: Tensor) -> Tensor:
        """See ``OffPolicyLoss``."""
        return (weights * rounds.reward).sum() / weights.sum()
