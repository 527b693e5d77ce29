"""Learning a policy from the log of another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from likewise.data.contexts import Contexts
from likewise.data.relevance import LoggedFeedback
from likewise.errors import LikewiseError
from likewise.losses.off_policy import OffPolicyLoss, PolicyRounds
from likewise.methods.base import Method
from likewise.policies.base import Policy
from likewise.policies.rewards import cross_fitted


class OffPolicyLearning(Method):
    """Follows the gradient of a policy's estimated value on the training rounds.

    A batch is int64 [b], numbers of rounds in the training split. Predicted rewards are
    cross-fitted on the training split.

    Args:
        entropy_weight: weight of the mean entropy of the policy, which is added to the value; it
            keeps the policy near the uniform one.
        folds: see ``likewise.policies.rewards.cross_fitted``.
        penalty: see ``likewise.policies.rewards.RewardModel``.
    """

    name = "off_policy"
    trains_encoder = nn.Module
    trains_scorer = Policy
    made_for = "policy=similarity or linear"
    reads_labels = False
    learns_from = LoggedFeedback
    loss_kind = OffPolicyLoss
    loss: OffPolicyLoss
    scorer: Policy

    def __init__(
        self,
        *args: Any,
        entropy_weight: float = 0.0,
        folds: int = 3,
        penalty: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        if entropy_weight < 0 or folds < 2 or not penalty > 0:
            raise LikewiseError(
                f"method.entropy_weight={entropy_weight} must be at least 0, folds={folds} at "
                f"least 2 and penalty={penalty} above 0"
            )
        self.entropy_weight, self.folds, self.penalty = entropy_weight, folds, penalty

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Method``: what the policy learned."""
        learned = self.scorer.describe()
        return (f"The learned policy has {learned}.",) if learned else ()

    def on_fit_start(self) -> None:
        """Read the training rounds."""
        module = self.data_module
        feedback = module.data.get(LoggedFeedback, "method=off_policy")
        rows, products = feedback.splits["train"], len(module.data.catalogue)
        self.scorer.prepare(module)
        self.scorer.to(self.device)
        contexts = Contexts.of(feedback, rows, products)
        action, reward = feedback.action[rows], feedback.reward[rows]
        predicted = np.zeros((1, products))
        if self.loss.predicts:
            options = len(rows), self.folds, module.seed, self.penalty
            predicted = cross_fitted(contexts, action, reward, *options)
        self.contexts = contexts.to(self.device)
        self.action = torch.from_numpy(action).to(self.device)
        self.reward, self.propensity, self.predicted = (
            torch.from_numpy(one).float().to(self.device)
            for one in (reward, feedback.propensity[rows], predicted)
        )

    def training_loss(self, numbers: Tensor) -> Tensor:
        """Return minus the value of the policy on some rounds, int64 [b], and of its entropy."""
        self.products_seen += len(numbers)
        logs = self.scorer.log_probabilities(self.contexts[numbers]).float()
        rounds = PolicyRounds(
            logs,
            self.action[numbers],
            self.propensity[numbers],
            self.reward[numbers],
            self.predicted[numbers] if self.loss.predicts else self.predicted.expand_as(logs),
        )
        entropy = -(logs.exp() * logs).sum(1).mean()
        return self.loss(rounds) - self.entropy_weight * entropy
