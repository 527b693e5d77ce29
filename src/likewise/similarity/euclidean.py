"""Euclidean distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.similarity.base import Similarity
from likewise.similarity.multiply import inner_products

if TYPE_CHECKING:
    from pytorch_metric_learning.distances import BaseDistance


class Euclidean(Similarity):
    """Euclidean distance ‖x - y‖; smaller is closer."""

    name = "euclidean"
    geometry = "euclidean"
    larger_is_closer = False
    keys_are_values = False

    def block(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``; it computes differences, which is precise for near products."""
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")

    def ranking(self, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
        """Return -‖x - y‖²/2 by one matrix product, after subtracting the mean of ``b``.

        Without this shift, rounding errors would be large for products far from the origin.
        """
        centre = b.mean(0)
        a, b = a - centre, b - centre
        keys = inner_products(a, b, out)
        return keys.sub_(0.5 * b.square().sum(1)).sub_(0.5 * a.square().sum(1)[:, None])

    def pairs(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``."""
        return (a - b).square().sum(-1).sqrt()

    def distance(self) -> BaseDistance:
        """See ``Similarity``."""
        from pytorch_metric_learning.distances import LpDistance

        return LpDistance(normalize_embeddings=False, p=2)
