"""Self-supervised contrastive learning."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.products import Products, count, join
from likewise.encoders.contrastive import Contrastive
from likewise.methods.base import Method


class ContrastiveLearning(Method):
    """Two augmented views of a product are alike, all other products are not; no labels touched.

    Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020.
    """

    name = "contrastive"
    trains_encoder = Contrastive
    made_for = "encoder=contrastive"
    reads_labels = False

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """The loss between two views; ``groups`` is not read."""
        views = join(self.augment(products), self.augment(products))
        same = torch.arange(count(products), device=groups.device).repeat(2)
        return self.metric_loss(self.encoder.project(views), same)
