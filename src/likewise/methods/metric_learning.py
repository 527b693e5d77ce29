"""Supervised metric learning on groups."""

from __future__ import annotations

from torch import Tensor

from likewise.data.products import Products
from likewise.methods.base import Method


class MetricLearning(Method):
    """Embeds an augmented batch and minimises a metric-learning loss on its groups."""

    name = "metric_learning"

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """Return the loss on one augmented view of each product."""
        return self.metric_loss(self.encoder(self.augment(products)), groups)
