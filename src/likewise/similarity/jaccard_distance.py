"""Weighted Jaccard for the losses of pytorch-metric-learning."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_metric_learning.distances import BaseDistance
from torch import Tensor


class JaccardDistance(BaseDistance):
    """Differentiable weighted Jaccard similarity (larger is closer) of non-negative embeddings.

    As in ``Jaccard``, two zero vectors have the similarity 1.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(normalize_embeddings=False, is_inverted=True, **options)

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor | None) -> Tensor:
        """Return the similarities [n, m] of [n, d] and [m, d]."""
        other = query_emb if ref_emb is None else ref_emb
        sums = query_emb.sum(1)[:, None] + other.sum(1)[None]
        apart = torch.cdist(query_emb, other, p=1)
        return _ratio(sums - apart, sums + apart)

    def pairwise_distance(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """Return the similarities [n] of the rows of [n, d] and [n, d]."""
        shared = torch.minimum(query_emb, ref_emb).sum(1)
        return _ratio(shared, torch.maximum(query_emb, ref_emb).sum(1))


def _ratio(shared: Tensor, union: Tensor) -> Tensor:
    # The clamp keeps the gradient of the branch not taken finite.
    return torch.where(union > 0, shared / union.clamp_min(1e-12), 1.0)
