"""Scores that are a sum over the products of the history."""

from __future__ import annotations

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.sparse import SparseMatrix


class ItemToItem(FittedRecommender):
    """A history times a learned matrix from products to products.

    Args:
        recent: latest events of a history that count; 0 for all.
        decay: weight of an event relative to the one after it. At 1 each product of the history
            counts once; below 1 the weights of the events of one product are added.
    """

    def __init__(self, recent: int = 0, decay: float = 1.0) -> None:
        super().__init__()
        if recent < 0 or not 0 < decay <= 1:
            raise LikewiseError(
                f"recommender.recent={recent} must be at least 0 and recommender.decay={decay} "
                "above 0 and at most 1"
            )
        self.recent, self.decay = recent, decay

    def weighted(self, histories: Histories, size: int) -> csr_matrix:
        """float32 [u, size]: what each product of the catalogue counts in each history."""
        if self.recent:
            histories = histories.latest(self.recent)
        weights = None if self.decay == 1 else self.decay**histories.ages
        return histories.matrix(size, weights)


class SparseItemToItem(ItemToItem):
    """With a sparse matrix of weights, which ``fit`` sets."""

    def __init__(self, recent: int = 0, decay: float = 1.0) -> None:
        super().__init__(recent, decay)
        self.weights = SparseMatrix()

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        weights = self.weights.get()
        found = self.weighted(histories, weights.shape[0]) @ weights
        return torch.from_numpy(found.toarray())
