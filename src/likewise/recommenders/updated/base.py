"""The base class of recommenders that are updated while events arrive."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class UpdatedRecommender(FittedRecommender):
    """A recommender with a strategy for new events; a subclass writes ``update``.

    Args:
        base: any recommender that is fitted to all events at once and needs no encoder.
    """

    gives = "ranks a catalogue and takes new events"
    advice = "choose recommender=frozen, appended or retrained"

    def __init__(self, base: FittedRecommender) -> None:
        super().__init__()
        if base.trained_by != self.trained_by:
            raise LikewiseError(
                f"recommender.base is trained by {base.trained_by}; the base of a recommender that "
                "takes new events is fitted to all events at once"
            )
        self.base = base

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``FittedRecommender``."""
        self.base.fit(histories, data, seed)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        return self.base.scores(histories)

    @abstractmethod
    def update(self, histories: Histories, new: np.ndarray, data: ProductData, seed: int) -> None:
        """Take new events.

        Args:
            histories: all events so far, of the people of all of them.
            new: int64 [u], how many of the latest events of each person have come since the last
                update, or since ``fit``.
            data, seed: see ``FittedRecommender.fit``.
        """
