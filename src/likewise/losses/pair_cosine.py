"""Cosine embedding loss on labelled pairs."""

from __future__ import annotations

from torch import Tensor

from likewise.losses.base import PairLoss


class PairCosine(PairLoss):
    """Mean of 1 - s over matches and max(0, s - margin) over other pairs, with s the cosine.

    This equals ``torch.nn.CosineEmbeddingLoss``, but takes cosines instead of embeddings.

    Args:
        margin: cosine above which a pair that does not match is penalised.
    """

    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """See ``PairLoss``."""
        matches = labels == 1
        return ((1 - scores) * matches + (scores - self.margin).clamp_min(0) * ~matches).mean()
