"""The doubly robust estimator as a loss."""

from __future__ import annotations

from torch import Tensor

from likewise.losses.off_policy import OffPolicyLoss, PolicyRounds


class DoublyRobustLoss(OffPolicyLoss):
    """Minus the mean of q(x) + w (r − q(x, a)), see ``likewise.metrics.doubly_robust``."""

    predicts = True

    def value(self, rounds: PolicyRounds, weights: Tensor) -> Tensor:
        """See ``OffPolicyLoss``."""
        expected = (rounds.log_probabilities.exp() * rounds.predicted).sum(1)
        error = rounds.reward - rounds.of_action(rounds.predicted)
        return (expected + weights * error).mean()
