"""Full retraining: each update fits the recommender to all events so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.data.histories import Histories
from likewise.recommenders.updated.base import UpdatedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class RetrainedRecommender(UpdatedRecommender):
    """A recommender that is fitted anew in each update.

    Args:
        base: see ``UpdatedRecommender``.
    """

    def update(self, histories: Histories, new: np.ndarray, data: ProductData, seed: int) -> None:
        """See ``UpdatedRecommender``."""
        self.base.fit(histories, data, seed)
