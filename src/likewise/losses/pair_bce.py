"""Binary cross-entropy on labelled pairs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import LikewiseError
from likewise.losses.base import PairLoss


class PairBinaryCrossEntropy(PairLoss):
    """Binary cross-entropy with ``scale * (score - shift)`` as the logit of a match.

    Args:
        scale, shift: initial values of two learned parameters. For cosine scores, use about 10
            and 0.5; for scores that are logits already, use 1 and 0.
        positive_weight: weight of matches, of which there are usually fewer.
        label_smoothing: amount of label smoothing towards 0.5, from 0 (none) to below 1.
    """

    def __init__(
        self,
        scale: float = 10.0,
        shift: float = 0.5,
        positive_weight: float = 1.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if not (positive_weight > 0 and 0 <= label_smoothing < 1):
            raise LikewiseError(
                f"loss.positive_weight={positive_weight} must be above 0 and "
                f"loss.label_smoothing={label_smoothing} at least 0 and below 1"
            )
        self.scale, self.shift = (
            nn.Parameter(torch.tensor(float(value))) for value in (scale, shift)
        )
        self.positive_weight, self.label_smoothing = positive_weight, label_smoothing

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """See ``PairLoss``."""
        smoothing = self.label_smoothing
        targets = labels.to(scores.dtype) * (1 - smoothing) + smoothing / 2
        weight = scores.new_tensor(self.positive_weight)
        logits = self.scale * (scores - self.shift)
        return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weight)
