"""Jaccard similarity of sets and of non-negative vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.similarity.base import Similarity, UnusableInput

if TYPE_CHECKING:
    from pytorch_metric_learning.distances import BaseDistance


class Jaccard(Similarity):
    """Jaccard similarity Σ min(x, y) / Σ max(x, y) of non-negative vectors.

    For binary vectors, it equals |x ∩ y| / |x ∪ y|.

    Ioffe, "Improved Consistent Sampling, Weighted Minhash and L1 Sketching", ICDM 2010, equation 1.
    Two zero vectors (empty sets) have the similarity 1.
    """

    name = "jaccard"
    domain = "nonnegative"

    def prepare(self, x: Tensor) -> Tensor:
        """See ``Similarity``; negative components raise ``UnusableInput``."""
        x = super().prepare(x)
        if (x < 0).any():
            raise UnusableInput(
                "jaccard needs non-negative embeddings; set encoder.nonnegative=true or use "
                "similarity=cosine, dot or euclidean"
            )
        return x

    def block(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``; Σ min = (Σx + Σy - ‖x - y‖₁) / 2 keeps the memory at n × m."""
        sums = a.sum(1)[:, None] + b.sum(1)[None]
        if _is_binary(a) and _is_binary(b):
            shared = a @ b.T
            return _ratio(shared, sums - shared)
        apart = torch.cdist(a, b, p=1)
        return _ratio(sums - apart, sums + apart)

    def pairs(self, a: Tensor, b: Tensor) -> Tensor:
        """See ``Similarity``."""
        return _ratio(torch.minimum(a, b).sum(-1), torch.maximum(a, b).sum(-1))

    def distance(self) -> BaseDistance:
        """See ``Similarity``."""
        from likewise.similarity.jaccard_distance import JaccardDistance

        return JaccardDistance()


def _is_binary(x: Tensor) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def _ratio(shared: Tensor, union: Tensor) -> Tensor:
    # Rounding may give values slightly below zero.
    return torch.where(union > 0, shared.clamp_min(0) / union.clamp_min(1e-30), 1.0)
