"""What people did, as sequences of products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from likewise.errors import LikewiseError


@dataclass(frozen=True)
class Histories:
    """Sequences of products, oldest first, one after another in one array.

    Attributes:
        products: int64 [m], rows of a catalogue.
        ends: int64 [u], where the sequence of each person ends (exclusive); it begins where the one
            before ends, and may be empty.
        users: int64 [u], who each person is among those of the data; ``None`` for strangers.
    """

    products: np.ndarray
    ends: np.ndarray
    users: np.ndarray | None = None

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> Histories:
        """Of strangers, a sequence of catalogue rows each."""
        ends = np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)
        products = np.array([row for sequence in sequences for row in sequence], np.int64)
        return cls(products, ends)

    def __len__(self) -> int:
        """How many people there are."""
        return len(self.ends)

    @property
    def lengths(self) -> np.ndarray:
        """int64 [u], how many events each person has."""
        return np.diff(self.ends, prepend=0)

    @property
    def people(self) -> np.ndarray:
        """int64 [m], the place of the person of each event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def ages(self) -> np.ndarray:
        """int64 [m], how many events of the same person followed: 0 for the latest."""
        return np.repeat(self.ends, self.lengths) - 1 - np.arange(len(self.products))

    def __getitem__(self, people: slice) -> Histories:
        """The histories of some consecutive people."""
        start, stop, step = people.indices(len(self))
        if step != 1:
            raise LikewiseError("only consecutive people can be taken from histories")
        begin = self.ends[start - 1] if start else 0
        end = self.ends[stop - 1] if stop > start else begin
        users = None if self.users is None else self.users[people]
        return Histories(self.products[begin:end], self.ends[start:stop] - begin, users)

    def blocks(self, size: int) -> Iterator[Histories]:
        """All people, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def matrix(self, size: int, weights: np.ndarray | None = None) -> csr_matrix:
        """float32 [u, size]: the weight of each product of the catalogue for each person.

        Args:
            size: of the catalogue.
            weights: float [m], of the events; those of one product are added. Without any, a
                product that a person had counts 1, however often.
        """
        values = np.ones(len(self.products)) if weights is None else weights
        table = csr_matrix(
            (values.astype(np.float32), (self.people, self.products)), shape=(len(self), size)
        )
        table.sum_duplicates()
        if weights is None:
            table.data[:] = 1
        return table
