"""Cheap updates: the counts of new events are added to those of earlier events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.counting import Counting
from likewise.recommenders.sparse import SparseMatrix
from likewise.recommenders.updated.base import UpdatedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class AppendedRecommender(UpdatedRecommender):
    """A recommender that is updated by counting new events only.

    The result is that of full retraining, up to rounding. All counts of pairs are kept, also where
    the base keeps a number of neighbours only.

    Args:
        base: a recommender that counts, see ``Counting``.
    """

    def __init__(self, base: FittedRecommender) -> None:
        super().__init__(base)
        if not isinstance(base, Counting):
            raise LikewiseError(
                f"recommender.base is {type(base).__name__}, to which new events cannot be added; "
                "recommender=appended needs item_knn, cooccurrence or ease as its base, and "
                "recommender=retrained takes any"
            )
        self.counts = SparseMatrix()

    @property
    def _counting(self) -> Counting:
        assert isinstance(self.base, Counting)
        return self.base

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``FittedRecommender``."""
        new = np.ones(len(histories.products), bool)
        self.counts.set(self._counting.count(histories, new, len(data.catalogue)))
        self._counting.weigh(self.counts.get(), histories)

    def update(self, histories: Histories, new: np.ndarray, data: ProductData, seed: int) -> None:
        """See ``UpdatedRecommender``."""
        people = np.flatnonzero(new)
        changed = histories.take(people)
        is_new = changed.ages < new[people][changed.people]
        added = self._counting.count(changed, is_new, len(data.catalogue))
        self.counts.set(self.counts.get() + added)
        self._counting.weigh(self.counts.get(), histories)
