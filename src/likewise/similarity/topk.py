"""Exact nearest neighbours, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from likewise.similarity.base import Similarity, UnusableInput

# Measured at 10,000 × 60,000, d = 128, two cores: wide tiles of few queries beat square ones, for
# every tile costs a selection and a merge. 24 MB of scores.
TILE = 65_536
BLOCK_ELEMENTS = 6_000_000
GROUP = 64


def iter_topk(
    queries: Tensor,
    gallery: Tensor,
    similarity: Similarity,
    k: int,
    *,
    exclude_self: bool = False,
    block_elements: int | None = None,
) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The k nearest of the gallery, a block of queries at a time.

    Args:
        queries, gallery: prepared float32 [q, d] and [n, d], on one device.
        k: cut to n (n - 1 with ``exclude_self``) where it is more.
        exclude_self: query i is gallery item i and never its own neighbour.
        block_elements: floats one block of scores may hold (default ``BLOCK_ELEMENTS``); memory
            does not grow beyond it with queries or gallery.

    Yields:
        (first query, ranking keys [b, k], gallery rows int64 [b, k]), nearest first;
        equal keys by ascending row.
    """
    k = min(k, len(gallery) - exclude_self)
    if k < 1:
        raise UnusableInput("there is no other product to find")
    elements = BLOCK_ELEMENTS if block_elements is None else block_elements
    # A tile is at least some neighbours wide, or merging would cost more than scoring.
    tile = min(len(gallery), max(TILE, 2 * k))
    # A neighbour costs about eight floats in merging, ordering and scoring.
    rows = max(1, elements // (tile + 8 * k))
    # One buffer for all blocks, see ``Similarity.ranking``.
    size = min(rows, len(queries)) * tile
    scores = torch.empty(size, dtype=torch.float32, device=queries.device)
    for start in range(0, len(queries), rows):
        block = queries[start : start + rows]
        best: tuple[Tensor, Tensor] | None = None
        for first in range(0, len(gallery), tile):
            part = gallery[first : first + tile]
            out = scores[: len(block) * len(part)].view(len(block), len(part))
            keys = similarity.ranking(block, part, out)
            if exclude_self:
                _hide_self(keys, start, first)
            found, places = _topk(keys, k)
            # Where the buffer was not used, two tiles are never held at once.
            del keys
            places += first
            if best is not None:
                found = torch.cat([best[0], found], 1)
                places = torch.cat([best[1], places], 1)
                found, order = found.topk(min(k, found.shape[1]), dim=1)
                places = places.gather(1, order)
            best = (found, places)
        assert best is not None
        yield start, *_order_ties(*best)


def topk_neighbours(
    queries: Tensor,
    gallery: Tensor | None,
    similarity: Similarity,
    k: int,
    *,
    exclude_self: bool = False,
) -> tuple[Tensor, Tensor]:
    """Natural values float32 [q, k] and gallery rows int64 [q, k] of the k nearest.

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
        if similarity.keys_are_values:
            values[start:stop] = keys if similarity.larger_is_closer else -keys
            continue
        for column in range(k):
            values[start:stop, column] = similarity.pairs(
                prepared[start:stop], among[places[:, column]]
            )
    return values, indices


def _hide_self(keys: Tensor, start: int, first: int) -> None:
    own = torch.arange(len(keys), device=keys.device) + start - first
    inside = (own >= 0) & (own < keys.shape[1])
    keys[inside.nonzero().squeeze(1), own[inside]] = -torch.inf


def _topk(keys: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Exact top-k of each row; a few groups of columns are searched when k is small.

    The k largest lie in the k groups whose maxima are largest, and a maximum is far cheaper than a
    selection.
    """
    n = keys.shape[1]
    groups = n // GROUP
    if k * GROUP * 2 > n:
        found, places = keys.topk(min(k, n), dim=1)
        return found, places
    whole = keys[:, : groups * GROUP].unflatten(1, (groups, GROUP))
    chosen = whole.amax(2).topk(k, dim=1, sorted=False).indices
    # Indexing copies whole groups and is twice as fast as a gather of single columns.
    picked = whole[torch.arange(len(keys), device=keys.device)[:, None], chosen].flatten(1)
    # The columns that fill no group are one more group, always searched.
    picked = torch.cat([picked, keys[:, groups * GROUP :]], 1)
    chosen = torch.cat([chosen, torch.full_like(chosen[:, :1], groups)], 1)
    found, order = picked.topk(k, dim=1)
    return found, chosen.gather(1, order // GROUP) * GROUP + order % GROUP


def _order_ties(keys: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Equal keys by ascending row, so that the same embeddings give the same order."""
    if not (keys[:, 1:] == keys[:, :-1]).any():
        return keys, places
    places, by_row = places.sort(dim=1)
    keys, order = keys.gather(1, by_row).sort(dim=1, descending=True, stable=True)
    return keys, places.gather(1, order)
