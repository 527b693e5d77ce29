"""What a loss on the next product of a sequence is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from likewise.recommenders.sequences.product_vectors import ProductVectors


class NextProductLoss(nn.Module, ABC):
    """Between states of sequences and the products that came next.

    The score of a product is the inner product of its vector and the state.
    """

    @abstractmethod
    def forward(self, states: Tensor, targets: Tensor, products: ProductVectors) -> Tensor:
        """States float [m, d] and the rows int64 [m] of the next products; a scalar, the mean."""


def draw(counts: Tensor, size: tuple[int, ...], power: float) -> tuple[Tensor, Tensor]:
    """Products drawn with replacement, in proportion to their count of events to a power.

    Args:
        counts: float [n], of events; a product without any is never drawn unless the power is 0.
        size: shape of the draw.
        power: 0 for a uniform draw, 1 for one by popularity.

    Returns:
        int64 rows of that shape, and float [n], the logarithm of each product's probability.
    """
    weights = counts**power if power else torch.ones_like(counts)
    edges = weights.double().cumsum(0)
    places = torch.rand(size, dtype=torch.float64, device=counts.device) * edges[-1]
    # Rounding may give the last edge itself.
    rows = torch.searchsorted(edges, places, right=True).clamp(max=len(counts) - 1)
    return rows, (weights / weights.sum()).log()
