"""Augmentation of a batch of texts on its device, with random choices for each text."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.products import gather_front
from likewise.errors import LikewiseError


class TextAugmentation(nn.Module):
    """Deletes a random span of tokens and random single tokens.

    Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021, section 3.3
    (span deletion).

    Args:
        span_deletion_probability: probability that a span of a text is deleted.
        max_span_fraction: largest length of the span as a fraction of the tokens of the text.
        token_deletion_probability: probability that a token is deleted.
    """

    def __init__(
        self,
        span_deletion_probability: float = 0.0,
        max_span_fraction: float = 0.25,
        token_deletion_probability: float = 0.0,
    ) -> None:
        super().__init__()
        self.span_deletion_probability = span_deletion_probability
        self.max_span_fraction = max_span_fraction
        self.token_deletion_probability = token_deletion_probability
        for name in (
            "span_deletion_probability",
            "max_span_fraction",
            "token_deletion_probability",
        ):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise LikewiseError(f"augmentation.text.{name}={value} must be between 0 and 1")

    @property
    def changes_products(self) -> bool:
        """Whether any option is set so that texts can change."""
        return bool(self.span_deletion_probability or self.token_deletion_probability)

    def forward(self, ids: Tensor) -> Tensor:
        """Augment token ids [b, length], padded with 0; each text keeps its first token.

        Random numbers come from torch's global generator.
        """
        if not self.changes_products:
            return ids
        lengths = (ids != 0).sum(1, keepdim=True)
        places = torch.arange(ids.shape[1], device=ids.device)
        drawn = torch.rand(3, len(ids), 1, device=ids.device)
        has_span = drawn[1] < self.span_deletion_probability
        span = (drawn[0] * self.max_span_fraction * lengths).ceil() * has_span
        start = 1 + drawn[2] * (lengths - span - 1).clamp_min(0)
        deleted = (places >= start) & (places < start + span)
        if self.token_deletion_probability:
            drawn = torch.rand(ids.shape, device=ids.device)
            deleted |= drawn < self.token_deletion_probability
        return gather_front(ids.masked_fill(deleted & (places > 0), 0))
