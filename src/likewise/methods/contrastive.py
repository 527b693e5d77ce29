"""Self-supervised contrastive learning."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.products import Products, count, join
from likewise.encoders.contrastive import Contrastive
from likewise.methods.base import Method


class ContrastiveLearning(Method):
    """Self-supervised: two augmented views of a product are a match, all other pairs are not.

    Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020.
    """

    name = "contrastive"
    trains_encoder = Contrastive
    made_for = "encoder=contrastive"
    reads_labels = False

    def training_loss(self, products: Products, groups: Tensor) -> Tensor:
        """Return the loss between two views of each product; ``groups`` is not used."""
        views = join(self.augment(products), self.augment(products))
        same = torch.arange(count(products), device=groups.device).repeat(2)
        return self.metric_loss(self.encoder.project(views), same)
