"""What somebody did before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.item_to_item import ItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Repeat(ItemToItem):
    """Scores a product by how much it counts in the history itself.

    A strong baseline where people buy again (Hu, He, Gao and Zhang, "Modeling Personalized Item
    Frequency Information for Next-basket Recommendation", SIGIR 2020). As the base of
    ``recommender=social`` it recommends what trusted people had.

    Args:
        recent, decay: of the history, see ``ItemToItem``.
    """

    size: Tensor

    def __init__(self, recent: int = 0, decay: float = 1.0) -> None:
        super().__init__(recent, decay)
        self.register_buffer("size", torch.tensor(0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        self.size = torch.tensor(len(data.catalogue))

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        return torch.from_numpy(self.weighted(histories, int(self.size)).toarray())
