"""Batches in which products meet those they are easily confused with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Pairs
from likewise.data.samplers.base import Sampler


class HardPair(Sampler):
    """Walks along the labelled pairs, so that both products of a pair mostly share a batch.

    Where pairs are trained, those that share a product stand one behind the other.

    Almagro et al., "Block-SCL: Blocking Matters for Supervised Contrastive Learning in Product
    Matching", 2022: candidates that blocking found are the hard negatives, and a batch is made of
    neighbouring blocks. The pairs of matching benchmarks come from blocking, matches and others
    alike.
    """

    orders = (Groups, Pairs)
    sides: np.ndarray | None = None

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """See ``Sampler``; products of groups are walked along the training pairs between them."""
        if len(products) == 2:
            rows, places = np.unique(products, return_inverse=True)
            self.sides = places.reshape(2, -1)
            self.neighbours = _neighbours(len(rows), *self.sides)
            return
        pairs = data.get(Pairs, "sampler=hard_pair")
        train = pairs.splits["train"]
        place = np.full(len(data.catalogue), -1)
        place[products[0]] = np.arange(products.shape[1])
        left, right = place[pairs.left[train]], place[pairs.right[train]]
        known = (left >= 0) & (right >= 0)
        self.neighbours = _neighbours(products.shape[1], left[known], right[known])

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        walk = self._walk(generator)
        if self.sides is None:
            return walk
        visited = torch.empty_like(walk)
        visited[walk] = torch.arange(len(walk))
        # A pair follows the product of it that the walk comes to first.
        first = visited[torch.from_numpy(self.sides)].amin(0)
        return first.argsort(stable=True)

    def _walk(self, generator: Generator) -> Tensor:
        """The products, int64, neighbours mostly one behind the other."""
        # A random rank of each product decides where walks begin and which way they go.
        rank = torch.randperm(len(self.neighbours), generator=generator).tolist()
        seen = [False] * len(rank)
        order: list[int] = []
        for start in sorted(range(len(rank)), key=rank.__getitem__):
            waiting = [start]
            while waiting:
                product = waiting.pop()
                if seen[product]:
                    continue
                seen[product] = True
                order.append(product)
                fresh = [other for other in self.neighbours[product] if not seen[other]]
                waiting += sorted(fresh, key=rank.__getitem__)
        return torch.tensor(order)


def _neighbours(count: int, left: np.ndarray, right: np.ndarray) -> list[list[int]]:
    """The products that each of ``count`` products stands in a pair with."""
    found: list[list[int]] = [[] for _ in range(count)]
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        found[one].append(other)
        found[other].append(one)
    return found
