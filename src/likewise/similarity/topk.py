"""Exact nearest neighbours, computed in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from likewise.similarity.base import Similarity, UnusableInput
from likewise.similarity.running import GROUP, RunningTopk

# Matrix multiplication likes balanced tiles: on an AMD EPYC 2,048 × 2,048 takes half the time of 91
# × 65,536 for the same keys (10,000 × 60,000, d = 128, two cores). 24 MB of keys and what is kept.
TILE = 2_048
BLOCK_ELEMENTS = 6_000_000
# Columns per neighbour that a first tile needs, so that few keys pass its threshold. Where the
# gallery has fewer, one selection over wide tiles is cheaper.
WIDTH = 64
DEEP_TILE = 65_536


def iter_topk(
    queries: Tensor,
    gallery: Tensor,
    similarity: Similarity,
    k: int,
    *,
    exclude_self: bool = False,
    block_elements: int | None = None,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield the k nearest gallery products of each query, in blocks of queries.

    Args:
        queries, gallery: prepared float32 [q, d] and [n, d], on one device.
        k: number of neighbours; at most n (n - 1 with ``exclude_self``) are returned.
        exclude_self: query i is gallery item i and never its own neighbour.
        block_elements: maximum number of floats in one block of scores (default
            ``BLOCK_ELEMENTS``); memory does not grow with queries × gallery.

    Yields:
        (first query, ranking keys [b, k], gallery rows int64 [b, k]), nearest first;
        equal keys by ascending row.
    """
    k = min(k, len(gallery) - exclude_self)
    if k < 1:
        raise UnusableInput("there is no other product to find")
    elements = BLOCK_ELEMENTS if block_elements is None else block_elements
    tile = _tile(k, len(gallery))
    # Keeping, selecting and scoring a neighbour takes about 16 floats.
    rows = max(1, elements // (tile + 16 * k))
    # Blocks of one size: a last block of few queries would be multiplied slowly.
    rows = math.ceil(len(queries) / math.ceil(len(queries) / rows)) if len(queries) else 1
    # One buffer for all blocks, see ``Similarity.ranking``.
    scores = torch.empty(rows * tile, dtype=torch.float32, device=queries.device)
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows]
        running = RunningTopk(len(block), k, queries.device)
        for first in range(0, len(gallery), tile):
            part = gallery[first : first + tile]
            out = scores[: len(block) * len(part)].view(len(block), len(part))
            keys = similarity.ranking(block, part, out)
            if exclude_self:
                keys.diagonal(start - first).fill_(-torch.inf)
            running.add(keys)
            # Where the buffer was not used, two tiles are never held at once.
            del keys
        yield start, *running.best()


def _tile(k: int, size: int) -> int:
    """Return the number of gallery rows that are scored at once."""
    running = min(max(TILE, k * WIDTH), 8 * TILE)
    widest = DEEP_TILE if k * WIDTH > size else running
    # All of a tile narrower than 2k would be kept.
    widest = max(widest, 2 * k)
    # Tiles of one size, of whole groups but for the last.
    even = math.ceil(size / math.ceil(size / widest))
    return min(size, math.ceil(even / GROUP) * GROUP)


def topk_neighbours(
    queries: Tensor,
    gallery: Tensor | None,
    similarity: Similarity,
    k: int,
    *,
    exclude_self: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return the natural values, float32 [q, k], and gallery rows, int64 [q, k], of the k nearest.

    Args:
        queries, gallery: embeddings [q, d] and [n, d]; without a gallery the queries search each
            other, never themselves.
    """
    prepared = similarity.prepare(queries)
    among = prepared if gallery is None else similarity.prepare(gallery)
    alone = exclude_self or gallery is None
    k = min(k, len(among) - alone)
    if k < 1:
        raise UnusableInput("there is no other product to find")
    values = torch.empty(len(prepared), k, device=prepared.device)
    indices = torch.empty(len(prepared), k, dtype=torch.int64, device=prepared.device)
    for start, keys, places in iter_topk(prepared, among, similarity, k, exclude_self=alone):
        stop = start + len(keys)
        indices[start:stop] = places
        values[start:stop] = natural_values(prepared[start:stop], among, similarity, keys, places)
    return values, indices


def natural_values(
    queries: Tensor, gallery: Tensor, similarity: Similarity, keys: Tensor, rows: Tensor
) -> Tensor:
    """Return the natural values, float32 [b, k], of neighbours that ``iter_topk`` has found.

    Args:
        queries, gallery: prepared float32 [b, d] and [n, d].
        keys, rows: ranking keys [b, k] and gallery rows int64 [b, k].
    """
    if similarity.keys_are_values:
        return keys if similarity.larger_is_closer else -keys
    columns = [similarity.pairs(queries, gallery[column]) for column in rows.T]
    return torch.stack(columns, 1)
