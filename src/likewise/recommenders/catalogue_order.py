"""Exact places of products in a scored catalogue."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.similarity.running import largest

# Scores that are compared at once when ranks are counted.
ELEMENTS = 4_000_000


class CatalogueOrder:
    """Ranks whole catalogues by scores, all products and exactly.

    Products of equal score stand in one random order that is the same for everybody and for every
    model: the order of rows often says something, such as which product is older.

    Args:
        size: products of the catalogue.
    """

    def __init__(self, size: int) -> None:
        generator = torch.Generator().manual_seed(size)
        self.order = torch.randperm(size, generator=generator)
        self.place = torch.empty_like(self.order)
        self.place[self.order] = torch.arange(size)

    def top(self, scores: Tensor, k: int) -> Tensor:
        """int64 [u, min(k, n)]: the best products of scores [u, n], best first."""
        _, columns = largest(scores[:, self.order], k)
        return self.order[columns]

    def ranks(
        self, scores: Tensor, person: Tensor, product: Tensor, kinds: Tensor | None = None
    ) -> Tensor:
        """int64 [t]: the rank, from 1, of a product for a person among all products.

        Args:
            scores: float32 [u, n].
            person, product: int64 [t], rows and columns of ``scores``.
            kinds: int64 [n]; a product is then ranked among the products of its own kind only.
        """
        if kinds is not None:
            return self._ranks_by_kind(scores, person, product, kinds)
        size = max(1, ELEMENTS // scores.shape[1])
        parts = zip(person.split(size), product.split(size), strict=True)
        found = [self._ranks(scores, people, products) for people, products in parts]
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)

    def _ranks_by_kind(
        self, scores: Tensor, person: Tensor, product: Tensor, kinds: Tensor
    ) -> Tensor:
        found = torch.zeros_like(product)
        for kind in kinds[product].unique():
            asked = kinds[product] == kind
            columns = (kinds == kind).nonzero().squeeze(1)
            order = CatalogueOrder(len(columns))
            order.place = self.place[columns]
            among = torch.searchsorted(columns, product[asked])
            found[asked] = order.ranks(scores[:, columns], person[asked], among)
        return found

    def _ranks(self, scores: Tensor, person: Tensor, product: Tensor) -> Tensor:
        rows = scores[person]
        own = scores[person, product][:, None]
        above = (rows > own).sum(1)
        equal = rows == own
        tied = (equal.sum(1) > 1).nonzero().squeeze(1)
        if len(tied):
            before = self.place < self.place[product[tied]][:, None]
            above[tied] += (equal[tied] & before).sum(1)
        return above + 1
