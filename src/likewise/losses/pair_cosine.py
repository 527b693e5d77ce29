"""Cosine embedding loss of pairs."""

from __future__ import annotations

from torch import Tensor

from likewise.losses.base import PairLoss


class PairCosine(PairLoss):
    """1 - s for a match of cosine s, and max(0, s - margin) for other pairs, in the mean.

    What ``torch.nn.CosineEmbeddingLoss`` computes, from cosines.
    """

    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """See ``PairLoss``."""
        matches = labels == 1
        return ((1 - scores) * matches + (scores - self.margin).clamp_min(0) * ~matches).mean()
