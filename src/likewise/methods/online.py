"""Learning a policy from the clicks on its own lists."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from likewise.data.relevance import Visits
from likewise.errors import LikewiseError
from likewise.losses.reinforce import Reinforce
from likewise.methods.base import Method
from likewise.policies.base import Policy
from likewise.policies.lists import draw_lists, list_log_probabilities, list_logits
from likewise.simulation.environment import ManyVisits
from likewise.simulation.shop import Shop


class OnlineLearning(Method):
    """Shows lists in the training visits of a simulated shop and follows the policy gradient.

    A batch is int64 [b], numbers of visits of the training split. Each epoch has the same visits
    with new clicks. Only clicks are learned from; the regret while learning, which needs the hidden
    click model, is recorded in the history as ``train/regret``, per visit.

    Args:
        entropy_weight: weight of the mean entropy of the policy at the first position, which is
            added to the clicks; it keeps the policy exploring.
    """

    name = "online"
    trains_encoder = nn.Module
    trains_scorer = Policy
    made_for = "policy=shop_similarity, contextual_similarity or linear"
    reads_labels = False
    learns_from = Visits
    loss_kind = Reinforce
    loss: Reinforce
    scorer: Policy

    def __init__(self, *args: Any, entropy_weight: float = 0.0, **options: Any) -> None:
        super().__init__(*args, **options)
        if entropy_weight < 0:
            raise LikewiseError(f"method.entropy_weight={entropy_weight} must be at least 0")
        self.entropy_weight = entropy_weight

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Method``."""
        return (f"method=online learned from the clicks of {self.products_seen:,} visits.",)

    def on_fit_start(self) -> None:
        """Open the shop."""
        module = self.data_module
        self.scorer.prepare(module)
        self.scorer.to(self.device)
        self.shop = Shop(module.data)
        self.environment = ManyVisits(self.shop, "train", module.batch_size)

    def on_train_epoch_start(self) -> None:
        """See ``Method``; also start the sums of clicks and of regret."""
        super().on_train_epoch_start()
        self._clicks, self._regret, self._visits = 0.0, 0.0, 0

    def training_loss(self, numbers: Tensor) -> Tensor:
        """Show lists in visits, int64 [b], and return the loss of the clicks."""
        # Draws depend on the step alone, so that a resumed run sees the same clicks.
        draws = self.data_module.seed * 1_000_003 + self.global_step
        visited, _ = self.environment.reset(
            seed=draws % 2**32, options={"visits": numbers.cpu().numpy()}
        )
        contexts = self.shop.contexts(visited["product"], visited["segment"]).to(self.device)
        logits = list_logits(self.scorer, contexts)
        generator = torch.Generator(self.device).manual_seed(draws)
        lists = draw_lists(logits.detach(), self.shop.positions, generator)
        _, reward, _, _, info = self.environment.step(lists.cpu().numpy())
        self.products_seen += len(numbers)
        self._visits += len(numbers)
        self._clicks += float(reward.sum())
        self._regret += float((info["best"] - info["expected"]).sum())
        clicks = torch.from_numpy(info["clicks"]).to(self.device)
        logs = logits.log_softmax(1)
        # A product that is never shown has the logarithm minus infinity and no entropy.
        entropy = -(logs.exp() * logs.clamp_min(-1e4)).sum(1).mean()
        loss = self.loss(list_log_probabilities(logits, lists), clicks)
        return loss - self.entropy_weight * entropy

    def on_train_epoch_end(self) -> None:
        """See ``Method``.

        Raises:
            LikewiseError: nobody clicked.
        """
        if not self._clicks:
            raise LikewiseError(
                f"no shopper clicked in {self._visits:,} visits, so there is nothing to learn; "
                "raise data.base or the weights of data.segments"
            )
        super().on_train_epoch_end()
        self.history[-1]["train/regret"] = self._regret / self._visits
