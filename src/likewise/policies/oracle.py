"""The policy that knows the click model of simulated shoppers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.data.contexts import Contexts
from likewise.policies.base import Policy

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.data.module import ProductModule

# Log-odds of two products that differ by 1 in their attraction; Gumbel noise is seldom above 15.
SHARPNESS = 1e6


class OraclePolicy(Policy):
    """Shows the products in the order of their true attraction: no policy gets more clicks.

    It is the reference of regret, and no policy that a shop could have.
    """

    trained_by = "none"

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """See ``Scorer``: no shop knows what it reads."""
        return "the hidden click model"

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``; reads the hidden click model."""
        from likewise.simulation.shop import Shop

        self._shop = Shop(module.data)

    def logits(self, contexts: Contexts) -> Tensor:
        """See ``Policy``; the segment is recognised by its features."""
        shop, device = self._shop, contexts.links.device
        product = contexts.links.argmax(1).cpu()
        every = torch.arange(len(shop.visits.segments))[:, None]
        known = shop.features(product, every).to(device)
        segment = (known == contexts.features).all(2).int().argmax(0).cpu()
        attraction = torch.from_numpy(shop.visits.attraction)[segment, product]
        return SHARPNESS * attraction.to(device)
