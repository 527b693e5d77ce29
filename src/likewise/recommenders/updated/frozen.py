"""No update: what was learned stays, and only the histories of people grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.data.histories import Histories
from likewise.recommenders.updated.base import UpdatedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class FrozenRecommender(UpdatedRecommender):
    """A recommender that is never updated.

    Args:
        base: see ``UpdatedRecommender``.
    """

    def update(self, histories: Histories, new: np.ndarray, data: ProductData, seed: int) -> None:
        """See ``UpdatedRecommender``; nothing is learned."""
