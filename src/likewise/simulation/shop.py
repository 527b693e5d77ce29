"""A shop of simulated visits: contexts for policies, clicks and expected clicks of lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.contexts import Contexts, hashed_features
from likewise.data.relevance import Visits


class Shop:
    """What shoppers see and do, by the click model of ``Visits``.

    A product that is looked at is no part of its own list, and a list shows no product twice: such
    positions are never clicked.

    Args:
        data: with ``Visits``.

    Attributes:
        visits: the ground truth.
        size: number of products, n.
        positions: length of lists, k.
    """

    def __init__(self, data: ProductData) -> None:
        self.visits = data.get(Visits, "the simulated shop")
        self.size, self.positions = len(data.catalogue), self.visits.positions
        segments = len(self.visits.segments)
        columns = {"segment": np.repeat(self.visits.segments, self.size).tolist()}
        if "category" in data.catalogue.column_names:
            columns["category"] = data.catalogue["category"][:] * segments
        first = np.ones(segments * self.size, np.int64)
        self._features = hashed_features(pa.table(columns), first)

    def features(self, product: Tensor, segment: Tensor) -> Tensor:
        """Return the features of contexts, float32 [b, f]; the arguments are int64 and broadcast.

        The shop knows the segment of a shopper and the category of the product.
        """
        return self._features[segment * self.size + product]

    def contexts(self, product: np.ndarray, segment: np.ndarray) -> Contexts:
        """Return the contexts of visits, whose only link is the product that is looked at.

        Args:
            product, segment: int64 [b].
        """
        rows = torch.from_numpy(product)
        links = torch.zeros(len(rows), self.size).scatter_(1, rows[:, None], 1.0)
        first = torch.ones(len(rows), dtype=torch.int64)
        return Contexts(self.features(rows, torch.from_numpy(segment)), links, first)

    def click_probabilities(
        self, product: np.ndarray, segment: np.ndarray, lists: np.ndarray
    ) -> np.ndarray:
        """Return the probability of a click on each position, float64 [b, k].

        Args:
            product, segment: int64 [b].
            lists: int64 [b, k], rows of the catalogue, best first.
        """
        attraction = self.visits.attraction[segment[:, None], product[:, None], lists]
        earlier = np.tril(np.ones((self.positions, self.positions), bool), -1)
        repeated = ((lists[:, :, None] == lists[:, None]) & earlier).any(axis=2)
        counts = ~repeated & (lists != product[:, None])
        return self.visits.examination * attraction * counts

    def best(self, product: np.ndarray, segment: np.ndarray) -> np.ndarray:
        """Return the expected clicks of the best list of each visit, float64 [b]."""
        return self.visits.best[segment, product]
