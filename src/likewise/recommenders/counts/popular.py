"""The same products for everybody: those that most people had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.base import FittedRecommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Popular(FittedRecommender):
    """Scores a product by the number of people who had it."""

    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("counts", torch.empty(0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        self.counts = torch.from_numpy(np.asarray(table.sum(0), np.float32).ravel())

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        return self.counts.expand(len(histories), -1)
