"""Batches without products that may match although they are not labelled as matches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Pairs
from likewise.data.samplers.base import Sampler
from likewise.errors import LikewiseError


class SourceAware(Sampler):
    """Each batch holds the products of one of two sources, and from the other only known matches.

    Peeters and Bizer, "Supervised Contrastive Learning for Product Matching", WWW Companion 2022,
    section 3.2. Where only some of the matches between two shops are labelled, two of their
    products can be alike without a common group; within a shop they are not. So the products
    without a match never meet those of the other shop.

    Args:
        batch_size: number of products per batch; each batch is made for one source.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """See ``Sampler``; the two sides of the pairs are the sources."""
        pairs = data.get(Pairs, "sampler=source_aware")
        both = np.intersect1d(pairs.left, pairs.right)
        if len(both):
            raise LikewiseError(
                f"sampler=source_aware needs pairs whose sides are two sources; {len(both)} "
                "products of these data are on both sides, so use sampler=hard_pair or uniform"
            )
        self.source = torch.from_numpy(np.isin(products[0], pairs.right))

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        _, place, sizes = groups.unique(return_inverse=True, return_counts=True)
        matched = sizes[place] > 1
        batches: list[Tensor] = []
        while len(batches) * self.batch_size < len(groups):
            found = len(batches)
            for source in (False, True):
                own = (matched | (self.source == source)).nonzero().squeeze(1)
                own = own[torch.randperm(len(own), generator=generator)]
                # Products of a group stand together, where the first of them came.
                first = torch.full((len(sizes),), len(own)).scatter_reduce(
                    0, place[own], torch.arange(len(own)), "amin"
                )
                own = own[first[place[own]].argsort(stable=True)]
                batches += [
                    part for part in own.split(self.batch_size) if len(part) == self.batch_size
                ]
            if len(batches) == found:
                raise LikewiseError(
                    f"batch_size={self.batch_size} is larger than the training products of either "
                    "source; lower it"
                )
        order = torch.randperm(len(batches), generator=generator).tolist()
        return torch.cat([batches[i] for i in order])
