"""Exact and near-duplicate contents of two splits, for any modality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

KINDS = ("exact", "near")

# Places on either side, int64 [p] each, and their likeness, float64 [p].
Block = tuple[np.ndarray, np.ndarray, np.ndarray]


class Contents(Protocol):
    """One modality of the products ``rows`` (int64 [m]) of a catalogue."""

    rows: np.ndarray

    def digests(self) -> list[str]:
        """Equal for two of ``rows`` with the same content, and for no others."""
        ...

    def near(self, later: np.ndarray, earlier: np.ndarray) -> Iterator[Block]:
        """Yield the near-duplicate pairs of two sets of rows, as positions in these sets."""
        ...


class Split:
    """The products of a split that have content, and which of them are the same.

    Args:
        rows: int64, rows of the catalogue.
        identity: int64 [n], a number for each content in the catalogue; -1 for none.

    Attributes:
        rows: int64 [m], those that have content.
        ids, firsts: int64 [u], the distinct contents and the first row of each.
        inverse: int64 [m], the place of each row's content in ``ids``.
    """

    def __init__(self, rows: np.ndarray, identity: np.ndarray) -> None:
        self.rows = rows[identity[rows] >= 0]
        self.ids, first, self.inverse = np.unique(
            identity[self.rows], return_index=True, return_inverse=True
        )
        self.firsts = self.rows[first]


def identities(contents: Contents, count: int) -> np.ndarray:
    """A number for each content among the ``count`` rows of a catalogue, int64; -1 for none."""
    identity = np.full(count, -1, np.int64)
    identity[contents.rows] = np.unique(contents.digests(), return_inverse=True)[1]
    return identity


def duplicates(
    contents: Contents, later: Split, earlier: Split
) -> Iterator[tuple[int, int, str, float]]:
    """Yield every row that has a duplicate in the other split, with its most similar partner there.

    There are at most as many of these pairs as rows, while there could be very many pairs in all.

    Yields:
        (row of ``later``, row of ``earlier``, kind, likeness), sorted by kind and then by row.
    """
    _, places, others = np.intersect1d(later.ids, earlier.ids, return_indices=True)
    exact = [(places, others, np.ones(len(places)))]
    near = _distinct(contents.near(later.firsts, earlier.firsts), later, earlier)
    for kind, blocks in zip(KINDS, (exact, near), strict=True):
        for row, other, likeness in _most_alike(blocks, later, earlier):
            yield row, other, kind, likeness


def _distinct(blocks: Iterable[Block], later: Split, earlier: Split) -> Iterator[Block]:
    for places, others, likeness in blocks:
        differ = later.ids[places] != earlier.ids[others]
        yield places[differ], others[differ], likeness[differ]


def _most_alike(
    blocks: Iterable[Block], later: Split, earlier: Split
) -> list[tuple[int, int, float]]:
    of_later, of_earlier = _Partners(len(later.ids)), _Partners(len(earlier.ids))
    for places, others, likeness in blocks:
        of_later.offer(places, others, likeness)
        of_earlier.offer(others, places, likeness)
    found = set()
    for row, place in zip(later.rows, later.inverse, strict=True):
        if (other := of_later.partner[place]) >= 0:
            found.add((int(row), int(earlier.firsts[other]), float(of_later.likeness[place])))
    for row, place in zip(earlier.rows, earlier.inverse, strict=True):
        if (other := of_earlier.partner[place]) >= 0:
            found.add((int(later.firsts[other]), int(row), float(of_earlier.likeness[place])))
    return sorted(found)


class _Partners:
    """The most similar partner of each of ``size`` contents; -1 if there is none."""

    def __init__(self, size: int) -> None:
        self.partner, self.likeness = np.full(size, -1), np.zeros(size)

    def offer(self, places: np.ndarray, partners: np.ndarray, likeness: np.ndarray) -> None:
        """Keep the offered partners that are more similar than the known ones."""
        # The last assignment to a place counts: the most similar partner, the first of equal ones.
        order = np.lexsort((-partners, likeness))
        order = order[likeness[order] > self.likeness[places[order]]]
        self.partner[places[order]] = partners[order]
        self.likeness[places[order]] = likeness[order]
