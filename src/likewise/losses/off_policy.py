"""The base class of losses of logged rounds: minus the estimated value of a policy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from likewise.errors import LikewiseError


@dataclass(frozen=True)
class PolicyRounds:
    """Logged rounds with the probabilities of the policy that is trained.

    Attributes:
        log_probabilities: float [b, n], with gradients: of all products.
        action: int64 [b], the products that were shown.
        propensity, reward: float [b].
        predicted: float [b, n], predicted rewards of all products; zeros where none are needed.
    """

    log_probabilities: Tensor
    action: Tensor
    propensity: Tensor
    reward: Tensor
    predicted: Tensor

    def of_action(self, values: Tensor) -> Tensor:
        """Select the values [b, n] of the products that were shown, [b]."""
        return values.gather(1, self.action[:, None]).squeeze(1)

    def weights(self, max_weight: float) -> Tensor:
        """Return the importance weights w, float [b], clipped at ``max_weight``.

        Their gradient is min(w, c) ∇ log π, so that a clipped round still has one (Chen et al.,
        "Top-K Off-Policy Correction for a REINFORCE Recommender System", WSDM 2019, section 4.4).
        """
        log = self.of_action(self.log_probabilities)
        weights = (log.detach().exp() / self.propensity).clamp(max=max_weight)
        return weights * (1 + log - log.detach())


class OffPolicyLoss(nn.Module, ABC):
    """Minus an estimate of the value of a policy; a subclass defines ``value``.

    Args:
        max_weight: largest importance weight; infinity does not clip.

    Attributes:
        predicts: whether it uses predicted rewards.
    """

    predicts = False

    def __init__(self, max_weight: float = math.inf) -> None:
        super().__init__()
        if not max_weight > 0:
            raise LikewiseError(f"loss.max_weight={max_weight} must be above 0")
        self.max_weight = max_weight

    @abstractmethod
    def value(self, rounds: PolicyRounds, weights: Tensor) -> Tensor:
        """Return the estimated value, a scalar.

        Args:
            weights: float [b], clipped.
        """

    def forward(self, rounds: PolicyRounds) -> Tensor:
        """Return the loss of some rounds, a scalar."""
        return -self.value(rounds, rounds.weights(self.max_weight))
