"""Dot product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from likewise.similarity.base import Similarity
from likewise.similarity.multiply import inner_products

if TYPE_CHECKING:
    from pytorch_metric_learning.distances import BaseDistance


class Dot(Similarity):
    """The dot product x·y."""

    name = "dot"
    is_dot_product = True

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
        from pytorch_metric_learning.distances import DotProductSimilarity

        return DotProductSimilarity(normalize_embeddings=False)
