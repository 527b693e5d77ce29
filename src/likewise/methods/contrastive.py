"""Self-supervised contrastive learning."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.encoders.contrastive import Contrastive
from likewise.methods.base import Method


class ContrastiveLearning(Method):
    """Two augmented views of a product are alike, all other products are not; no labels touched.

    Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020.
    """

    encoder: Contrastive

    def training_loss(self, images: Tensor, groups: Tensor) -> Tensor:
        """The loss between two views; ``groups`` is not read."""
        views = torch.cat([self.augmentation(images), self.augmentation(images)])
        products = torch.arange(len(images), device=images.device).repeat(2)
        return self.metric_loss(self.encoder.project(views), products)
