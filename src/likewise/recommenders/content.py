"""Products that are like those of the history, by any encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import Recommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity


class Content(Recommender):
    """Scores a product by its similarity to the weighted mean of the embeddings of the history.

    It needs no events to learn from, so that a product that nobody had is recommended like any
    other.

    Args:
        encoder: of the products.
        similarity: between the mean and a product.
        recent: how many of the latest events count.
        decay: weight of an event relative to the one after it.
    """

    encoder_use = "required"
    vectors: Tensor

    def __init__(
        self, encoder: Encoder, similarity: Similarity, recent: int = 10, decay: float = 0.8
    ) -> None:
        super().__init__(encoder, similarity)
        if recent < 1 or not 0 < decay <= 1:
            raise LikewiseError(
                f"recommender.recent={recent} must be at least 1 and decay={decay} above 0 and at "
                "most 1"
            )
        self.recent, self.decay = recent, decay
        self.register_buffer("vectors", torch.empty(0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``; there is nothing to learn from events."""

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        ages = histories.ages
        weights = np.where(ages < self.recent, self.decay**ages, 0.0)
        total = np.bincount(histories.people, weights=weights, minlength=len(histories))
        shares = weights / np.maximum(total, 1e-12)[histories.people]
        profiles = histories.matrix(len(self.vectors), shares) @ self.vectors.cpu().numpy()
        return self.similarity.ranking(torch.from_numpy(profiles), self.vectors)
