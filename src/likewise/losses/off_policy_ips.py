"""Inverse propensity scoring as a loss."""

from __future__ import annotations

from torch import Tensor

from likewise.losses.off_policy import OffPolicyLoss, PolicyRounds


class IpsLoss(OffPolicyLoss):
    """Minus the mean of w r, see ``likewise.metrics.importance_sampling``."""

    def value(self, rounds: PolicyRounds, weights: Tensor) -> Tensor:
        """See ``OffPolicyLoss``."""
        return (weights * rounds.reward).mean()
