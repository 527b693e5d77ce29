"""Binary cross-entropy of pairs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import LikewiseError
from likewise.losses.base import PairLoss


class PairBinaryCrossEntropy(PairLoss):
    """Cross-entropy of ``scale * (score - shift)`` as the logit of a match.

    Args:
        scale, shift: where they start; they are learned. For cosines about 10 and 0.5, for an
            encoder that scores in logits 1 and 0.
        positive_weight: of matches, which are the fewer.
        smoothing: of the labels, towards one half.
    """

    def __init__(
        self,
        scale: float = 10.0,
        shift: float = 0.5,
        positive_weight: float = 1.0,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if not (positive_weight > 0 and 0 <= smoothing < 1):
            raise LikewiseError(
                f"loss.positive_weight={positive_weight} must be above 0 and "
                f"loss.smoothing={smoothing} at least 0 and below 1"
            )
        self.scale, self.shift = (
            nn.Parameter(torch.tensor(float(value))) for value in (scale, shift)
        )
        self.positive_weight, self.smoothing = positive_weight, smoothing

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """See ``PairLoss``."""
        targets = labels.to(scores.dtype) * (1 - self.smoothing) + self.smoothing / 2
        weight = scores.new_tensor(self.positive_weight)
        logits = self.scale * (scores - self.shift)
        return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
