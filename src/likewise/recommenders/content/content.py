"""Products that are like those of the history, by any encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.item_to_item import ItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity


class Content(ItemToItem):
    """Scores a product by its similarity to the weighted mean of the embeddings of the history.

    It needs no events to learn from, so that a product that nobody had is recommended like any
    other.

    Args:
        encoder: of the products; a recommender that has this one as a part gives its own.
        similarity: between the mean and a product.
        recent, decay: of the history, see ``ItemToItem``.
    """

    knows_new_products = True

    encoder_use = "required"
    similarity: Similarity
    vectors: Tensor

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        recent: int = 10,
        decay: float = 0.8,
    ) -> None:
        super().__init__(recent, decay)
        self.encoder = encoder
        if similarity is not None:
            self.similarity = similarity
        self.register_buffer("vectors", torch.empty(0))

    def index(self, vectors: Tensor) -> None:
        """See ``Recommender``."""
        self.vectors = self.similarity.prepare(vectors)

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``; there is nothing to learn from events."""

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        weights = self.weighted(histories, len(self.vectors))
        profiles = torch.from_numpy(weights @ self.vectors.cpu().numpy())
        profiles /= torch.from_numpy(weights.sum(1)).clamp_min(1e-12)
        return self.similarity.ranking(profiles.to(self.vectors.device), self.vectors)
