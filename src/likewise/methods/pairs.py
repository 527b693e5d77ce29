"""Supervised learning on labelled pairs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from likewise.data.products import Products
from likewise.data.relevance import Pairs
from likewise.errors import LikewiseError
from likewise.losses.base import PairLoss
from likewise.matchers.base import EmbeddingMatcher, TrainableMatcher
from likewise.methods.base import Method


class PairLearning(Method):
    """Minimises a loss on labelled pairs, optionally with a group loss on all products of a batch.

    Args:
        group_loss: a loss of pytorch-metric-learning on the products of the batch, grouped by the
            training matches. It uses all other groups of the batch as negatives. ``None`` uses the
            pair loss alone.
        group_weight: weight of the group loss.
    """

    name = "pairs"
    learns_from = Pairs
    loss_kind = PairLoss
    trains_scorer = TrainableMatcher
    scorer: TrainableMatcher

    def __init__(
        self,
        *args: Any,
        group_loss: nn.Module | None = None,
        group_weight: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        if group_loss is not None and not isinstance(self.scorer, EmbeddingMatcher):
            raise LikewiseError(
                "method.group_loss compares embeddings of products, which matcher "
                f"{type(self.scorer).__name__} does not make; leave it out, or use matcher=none "
                "or pair_head"
            )
        self.group_loss, self.group_weight = group_loss, group_weight

    def trained(self) -> list[nn.Module]:
        """See ``Method``."""
        return [*super().trained(), *([self.group_loss] if self.group_loss else [])]

    def training_loss(
        self, left: Products, right: Products, labels: Tensor, groups: Tensor
    ) -> Tensor:
        """Return the loss on one augmented view of each product."""
        one, other = self.augment(left), self.augment(right)
        if self.group_loss is None:
            return self.loss(self.scorer.match(one, other).float(), labels)
        assert isinstance(self.scorer, EmbeddingMatcher)
        first, second = self.encoder(one).float(), self.encoder(other).float()
        scores = self.scorer.compare(first, second)
        between = self.group_loss(torch.cat([first, second]), groups)
        return self.loss(scores, labels) + self.group_weight * between
