"""Products with the attributes of the latest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import diags
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.attribute_table import attribute_table
from likewise.recommenders.base import Recommender
from likewise.recommenders.recent import recent
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Content(Recommender):
    """Scores a product by the cosine between its attributes and those of each recent product.

    An attribute weighs the logarithm of n / (products that have it): Pazzani and Billsus,
    "Content-Based Recommendation Systems", 2007, section 10.2. It reads no event of others, so that
    products that nobody bought are scored, too.

    Args:
        latest: events of the history that count; 0 for all.
        decay: weight of an event relative to the one after it.
    """

    def __init__(self, latest: int = 10, decay: float = 0.7) -> None:
        super().__init__()
        self.latest, self.decay = latest, decay
        self.vectors = SparseMatrix()

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = attribute_table(data.catalogue)
        weights = np.log(table.shape[0] / np.maximum(np.asarray(table.sum(0)).ravel(), 1))
        vectors = table @ diags(weights)
        lengths = np.sqrt(np.asarray(vectors.power(2).sum(1)).ravel())
        self.vectors.set((diags(1 / np.where(lengths > 0, lengths, 1)) @ vectors).tocsr())

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        vectors = self.vectors.get()
        people = recent(histories, vectors.shape[0], self.latest, self.decay) @ vectors
        return torch.from_numpy((people @ vectors.T).toarray())
