"""Batches in which products meet those they are easily confused with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.samplers.base import Sampler
from likewise.errors import LikewiseError


class HardPair(Sampler):
    """Walks along the labelled pairs, so that both products of a pair mostly share a batch.

    Almagro et al., "Block-SCL: Blocking Matters for Supervised Contrastive Learning in Product
    Matching", 2022: candidates that blocking found are the hard negatives, and a batch is made of
    neighbouring blocks. The pairs of matching benchmarks come from blocking, matches and others
    alike.
    """

    def prepare(self, data: ProductData, rows: np.ndarray) -> None:
        """See ``Sampler``."""
        if data.pairs is None:
            raise LikewiseError(
                "sampler=hard_pair needs data with labelled pairs, such as data=product_matching; "
                "use sampler=uniform or m_per_class"
            )
        train = data.pairs.splits["train"]
        place = np.full(len(data.catalogue), -1)
        place[rows] = np.arange(len(rows))
        left, right = place[data.pairs.left[train]], place[data.pairs.right[train]]
        known = (left >= 0) & (right >= 0)
        self.neighbours: list[list[int]] = [[] for _ in rows]
        for one, other in zip(left[known].tolist(), right[known].tolist(), strict=True):
            self.neighbours[one].append(other)
            self.neighbours[other].append(one)

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        # A random rank of each product decides where walks begin and which way they go.
        rank = torch.randperm(len(groups), generator=generator).tolist()
        seen = [False] * len(groups)
        order: list[int] = []
        for start in sorted(range(len(groups)), key=rank.__getitem__):
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
