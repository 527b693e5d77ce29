"""Supervised learning on labelled pairs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from likewise.data.products import Products
from likewise.data.relevance import Pairs
from likewise.methods.base import Method


class PairLearning(Method):
    """Descends the loss of pairs, and with a group loss also that between all their products.

    Args:
        group_loss: a pytorch-metric-learning loss over the products of the batch and the groups
            that the training matches make; it gives a pair's products all others of the batch as
            negatives. ``None`` for pairs alone.
        group_weight: of it beside the loss of pairs.
    """

    name = "pairs"
    learns_from = Pairs

    def __init__(
        self,
        *args: Any,
        group_loss: nn.Module | None = None,
        group_weight: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.group_loss, self.group_weight = group_loss, group_weight

    def trained(self) -> list[nn.Module]:
        """See ``Method``."""
        return [*super().trained(), *([self.group_loss] if self.group_loss else [])]

    def training_loss(
        self, left: Products, right: Products, labels: Tensor, groups: Tensor
    ) -> Tensor:
        """Of one augmented view of each product."""
        one, other = self.augment(left), self.augment(right)
        if self.group_loss is None:
            return self.loss(self.encoder.match(one, other, self.similarity).float(), labels)
        first, second = self.encoder(one).float(), self.encoder(other).float()
        scores = self.encoder.compare(first, second, self.similarity)
        between = self.group_loss(torch.cat([first, second]), groups)
        return self.loss(scores, labels) + self.group_weight * between
