"""Cosine similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional as F

from likewise.similarity.base import Similarity
from likewise.similarity.multiply import inner_products

if TYPE_CHECKING:
    from pytorch_metric_learning.distances import BaseDistance


class Cosine(Similarity):
    """Cosine similarity x·y / (‖x‖ ‖y‖), in [-1, 1]; 0 if a vector is zero."""

    name = "cosine"
    is_dot_product = True

    def prepare(self, x: Tensor) -> Tensor:
        """Return unit vectors."""
        return F.normalize(super().prepare(x))

    def block(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``."""
        return a @ b.T

    def ranking(self, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
        """See ``Similarity``."""
        return inner_products(a, b, out)

    def pairs(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``."""
        return (a * b).sum(-1)

    def distance(self) -> BaseDistance:
        """See ``Similarity``."""
        from pytorch_metric_learning.distances import CosineSimilarity

        return CosineSimilarity()
