"""Batches in which every product has other products of its group."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from likewise.data.relevance import Groups, Pairs
from likewise.data.samplers.base import Sampler
from likewise.errors import LikewiseError


class MPerClass(Sampler):
    """Batches of ``m`` products of each of ``batch_size / m`` groups.

    Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017
    (their PK batches), for groups of any size: a group's products are dealt out in hands of ``m``
    in random order, the last hand filled up with products of the group that are dealt once more,
    and the hands of each group stand at equal distances in the epoch. So every product is seen,
    groups by their size, and hands of one group meet in a batch only where the group is larger than
    its share of it. For labelled pairs, the labels are the groups.

    Args:
        m: number of products of each group in a batch.
        batch_size: number of products per batch, a multiple of ``m``.
    """

    orders = (Groups, Pairs)

    def __init__(self, m: int, batch_size: int) -> None:
        if m < 2:
            raise LikewiseError(
                f"sampler.m={m} must be at least 2, so that every product has a partner"
            )
        if batch_size % m or batch_size == m:
            raise LikewiseError(
                f"batch_size={batch_size} must be a multiple of sampler.m={m}, and larger than it, "
                "so that a batch holds several groups"
            )
        self.m = m

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        hands, places = [], []
        for group in groups.unique().tolist():
            own = (groups == group).nonzero().squeeze(1)
            own = own[torch.randperm(len(own), generator=generator)]
            filled = torch.cat([own, own.repeat(self.m)[: -len(own) % self.m]]).view(-1, self.m)
            hands.append(filled)
            start = torch.rand(1, generator=generator)
            places.append((torch.arange(len(filled)) + start) / len(filled))
        return torch.cat(hands)[torch.cat(places).argsort()].flatten()
