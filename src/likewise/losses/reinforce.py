"""The loss of policy gradients from observed clicks."""

from __future__ import annotations

from torch import Tensor, nn


class Reinforce(nn.Module):
    """Minus the advantage of each choice, times the logarithm of its probability.

    Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement
    Learning", Machine Learning 8, 1992. A choice is credited with the clicks at its own and all
    later positions, as it cannot change earlier ones. Its baseline is the mean of these clicks over
    the other lists of the batch, which leaves the gradient unbiased (Kool, van Hoof and Welling,
    "Buy 4 REINFORCE Samples, Get a Baseline for Free!", ICLR workshop 2019).
    """

    def forward(self, log_probabilities: Tensor, clicks: Tensor) -> Tensor:
        """Return the mean loss per list, a scalar.

        Args:
            log_probabilities: float [b, k], with gradients, of the choice at each position.
            clicks: [b, k], at least two lists.
        """
        credit = clicks.to(log_probabilities).flip(1).cumsum(1).flip(1)
        others = (credit.sum(0) - credit) / (len(credit) - 1)
        return -((credit - others) * log_probabilities).sum(1).mean()
