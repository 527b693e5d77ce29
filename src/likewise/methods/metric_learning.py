"""Supervised metric learning on groups."""

from __future__ import annotations

from torch import Tensor

from likewise.data.products import Products
from likewise.methods.base import Method


class MetricLearning(Method):
    """Embeds an augmented batch and descends the loss between its groups."""

    name = "metric_learning"

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """The loss of one augmented view of each product."""
        return self.metric_loss(self.encoder(self.augment(products)), groups)
