"""Products with the attributes of the latest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import diags
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.content.attribute_table import attribute_table
from likewise.recommenders.history_weights import history_weights
from likewise.recommenders.item_to_item import ItemToItem
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class AttributeContent(ItemToItem):
    """Scores a product by the cosine between its attributes and those of each recent product.

    An attribute weighs the logarithm of n / (products that have it): Pazzani and Billsus,
    "Content-Based Recommendation Systems", 2007, section 10.2. It reads no event of others, so that
    products that nobody bought are scored, too.

    Args:
        recent, decay: of the history, see ``ItemToItem``.
    """

    knows_new_products = True

    def __init__(self, recent: int = 10, decay: float = 0.7) -> None:
        super().__init__(recent, decay)
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
        people = history_weights(histories, vectors.shape[0], self.recent, self.decay) @ vectors
        return torch.from_numpy((people @ vectors.T).toarray())
