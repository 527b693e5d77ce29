"""What a loss on pairs is."""

from __future__ import annotations

from torch import Tensor, nn


class PairLoss(nn.Module):
    """Of labelled pairs, as ``Encoder.match`` scores them."""

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Scores float [b], larger for more alike, and labels int64 [b] (1: a match); a scalar."""
        raise NotImplementedError
