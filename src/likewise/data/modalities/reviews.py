"""The reviews of a product as a bag of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Reviews:
    """The reviews of n products, one after the other.

    Attributes:
        texts: m reviews.
        offsets: int64 [n + 1]; product i has ``texts[offsets[i]:offsets[i + 1]]``.
    """

    texts: list[str]
    offsets: Tensor


def bag_reviews(reviews: Sequence[Sequence[str | None] | None], most: int = 20) -> Reviews:
    """The first ``most`` reviews of each product that say anything."""
    kept = [[text for text in own or () if text and text.strip()][:most] for own in reviews]
    counts = torch.tensor([0, *(len(own) for own in kept)], dtype=torch.int64)
    return Reviews([text for own in kept for text in own], counts.cumsum(0))
