"""Batches without products that may match although they are not labelled as matches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData, shop_numbers
from likewise.data.relevance import Pairs
from likewise.data.samplers.base import Sampler
from likewise.errors import LikewiseError


class SourceAware(Sampler):
    """Each batch holds products of one source, and of the other sources only their known matches.

    Peeters and Bizer, "Supervised Contrastive Learning for Product Matching", WWW Companion 2022,
    section 3.2. Where only some of the matches between two shops are labelled, two of their
    products can be alike without a common group; within a shop they are not. So the products
    without a match never meet those of another shop.

    Args:
        batch_size: number of products per batch; each batch is made for one source.

    Attributes:
        source: int64 [n], the source of each training product.
    """

    source: Tensor

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """See ``Sampler``; the sources are those of ``find_sources``."""
        pairs = data.get(Pairs, "sampler=source_aware")
        sources = find_sources(data, pairs)
        if not sources.any():
            both = np.intersect1d(pairs.left, pairs.right)
            raise LikewiseError(
                "sampler=source_aware needs products of several shops, or pairs whose sides are "
                f"two sources; these data have one shop at most, and {len(both)} products are on "
                "both sides, so use sampler=hard_pair or uniform"
            )
        self.source = torch.from_numpy(sources[products[0]])

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        _, place, sizes = groups.unique(return_inverse=True, return_counts=True)
        batches: list[Tensor] = []
        while len(batches) * self.batch_size < len(groups):
            found = len(batches)
            for source in self.source.unique():
                # The products of the source, and those that share a group with one of them.
                known = torch.zeros(len(sizes), dtype=torch.bool)
                known[place[self.source == source]] = True
                own = known[place].nonzero().squeeze(1)
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
                    f"batch_size={self.batch_size} is larger than the training products of any "
                    "source; lower it"
                )
        order = torch.randperm(len(batches), generator=generator).tolist()
        return torch.cat([batches[i] for i in order])


def find_sources(data: ProductData, pairs: Pairs) -> np.ndarray:
    """Return the number of the source of each product, int64 [n]: its shop, or its side of pairs.

    The sides count where the catalogue has one shop at most and no product is on both of them. If
    neither tells sources apart, all products have the number 0.
    """
    shops = shop_numbers(data.catalogue)
    if shops.any() or len(np.intersect1d(pairs.left, pairs.right)):
        return shops
    return np.isin(np.arange(len(shops)), pairs.right).astype(np.int64)
