"""Batches that contain products which are easily confused."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Pairs
from likewise.data.samplers.base import Sampler


class HardPair(Sampler):
    """Orders products along the labelled pairs, so that most pairs share a batch.

    If pairs are trained, pairs that share a product follow each other.

    Almagro et al., "Block-SCL: Blocking Matters for Supervised Contrastive Learning in Product
    Matching", 2022: candidates that blocking found are the hard negatives, and a batch is made of
    neighbouring blocks. The pairs of matching benchmarks come from blocking, matches and others
    alike.
    """

    orders = (Groups, Pairs)
    sides: np.ndarray | None = None

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """See ``Sampler``; single products are ordered along the training pairs between them."""
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
        # A pair follows the one of its products that the walk reaches first.
        first = visited[torch.from_numpy(self.sides)].amin(0)
        return first.argsort(stable=True)

    def _walk(self, generator: Generator) -> Tensor:
        """Return the products, int64, in an order in which most neighbours follow each other."""
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
    """The products with which each of ``count`` products forms a pair."""
    found: list[list[int]] = [[] for _ in range(count)]
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        found[one].append(other)
        found[other].append(one)
    return found
