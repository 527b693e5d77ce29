"""Exact rankings of blocks of queries, as metrics read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from likewise.similarity.base import Similarity
from likewise.similarity.topk import TILE, iter_topk


@dataclass(frozen=True)
class RankedBlock:
    """The ranking of a block of queries.

    Attributes:
        hits: bool [b, K], whether the i-th nearest product is relevant.
        num_relevant: int64 [b], number of relevant products in the whole gallery.
        first_rank: int64 [b], rank of the first relevant product in the whole gallery, from 1; 0
            if there is none or no metric needs it.
    """

    hits: Tensor
    num_relevant: Tensor
    first_rank: Tensor


def ranked_blocks(
    queries: Tensor,
    query_groups: Tensor,
    gallery: Tensor,
    gallery_groups: Tensor,
    similarity: Similarity,
    k: int,
    num_relevant: Tensor,
    *,
    leave_one_out: bool,
    first_rank: bool,
) -> Iterator[RankedBlock]:
    """Rank prepared queries against a prepared gallery, one block of queries at a time."""
    for start, _, found in iter_topk(queries, gallery, similarity, k, exclude_self=leave_one_out):
        stop = start + len(found)
        hits = gallery_groups[found] == query_groups[start:stop, None]
        relevant = num_relevant[start:stop]
        first = torch.zeros_like(relevant)
        if first_rank:
            hit = hits.any(1)
            first[hit] = hits[hit].int().argmax(1) + 1
            for row in ((relevant > 0) & ~hit).nonzero().flatten().split(TILE):
                counted = _first_rank(
                    row + start,
                    queries,
                    query_groups,
                    gallery,
                    gallery_groups,
                    similarity,
                    leave_one_out,
                )
                # With equal keys the count can fall short, yet none of the first k was a hit.
                first[row] = counted.clamp_min(hits.shape[1] + 1)
        yield RankedBlock(hits, relevant, first)


def _first_rank(
    rows: Tensor,
    queries: Tensor,
    query_groups: Tensor,
    gallery: Tensor,
    gallery_groups: Tensor,
    similarity: Similarity,
    leave_one_out: bool,
) -> Tensor:
    """Return 1 + the number of products that are nearer than the nearest relevant one."""
    block = queries[rows]
    best = torch.full((len(rows),), -torch.inf, device=queries.device)
    groups = query_groups[rows][:, None]
    above = torch.zeros(len(rows), dtype=torch.int64, device=queries.device)
    for counting in (False, True):
        for first in range(0, len(gallery), TILE):
            tile = slice(first, first + TILE)
            keys = similarity.ranking(block, gallery[tile])
            if leave_one_out:
                columns = torch.arange(first, first + keys.shape[1], device=keys.device)
                keys.masked_fill_(columns[None] == rows[:, None], -torch.inf)
            if counting:
                above += (keys > best[:, None]).sum(1)
            else:
                relevant = gallery_groups[tile][None] == groups
                best = torch.maximum(best, keys.masked_fill(~relevant, -torch.inf).amax(1))
    return above + 1
