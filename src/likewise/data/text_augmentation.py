"""Augmentation of a batch of texts on its device, each drawn on its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.products import gather_front
from likewise.errors import LikewiseError


class TextAugmentation(nn.Module):
    """Deletes a random span of tokens, and single ones.

    Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021, section 3.3
    (span deletion).

    Args:
        probability: that a text loses a span.
        share: of a text's tokens, that the span has at most.
        drop: probability of each token to be lost.
    """

    def __init__(self, probability: float = 0.0, share: float = 0.25, drop: float = 0.0) -> None:
        super().__init__()
        for name, value in (("probability", probability), ("share", share), ("drop", drop)):
            if not 0 <= value <= 1:
                raise LikewiseError(f"augmentation.text.{name}={value} must be between 0 and 1")
        self.probability, self.share, self.drop = probability, share, drop

    def forward(self, ids: Tensor) -> Tensor:
        """Token ids [b, length], 0 behind the last, to the same; a text keeps its first token.

        Draws from torch's global generator.
        """
        if not (self.probability or self.drop):
            return ids
        lengths = (ids != 0).sum(1, keepdim=True)
        places = torch.arange(ids.shape[1], device=ids.device)
        drawn = torch.rand(3, len(ids), 1, device=ids.device)
        span = (drawn[0] * self.share * lengths).ceil() * (drawn[1] < self.probability)
        start = 1 + drawn[2] * (lengths - span - 1).clamp_min(0)
        lost = (places >= start) & (places < start + span)
        if self.drop:
            lost |= torch.rand(ids.shape, device=ids.device) < self.drop
        return gather_front(ids.masked_fill(lost & (places > 0), 0))
