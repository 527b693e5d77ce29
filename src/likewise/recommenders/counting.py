"""Recommenders whose counts of new events can be added to those of earlier events."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.sparse import csr_matrix

from likewise.data.histories import Histories


class Counting(ABC):
    """A recommender that is a function of counts of pairs of products.

    ``weigh(count(histories, new, size), histories)``, where all events are new, gives the same
    recommender as ``fit`` up to rounding. The counts of later events are added to those of earlier
    ones.
    """

    @abstractmethod
    def count(self, histories: Histories, new: np.ndarray, size: int) -> csr_matrix:
        """Return the counts that new events add, float32 [size, size].

        Args:
            histories: all events of people with new events.
            new: bool [m], whether an event is new. The new events of a person follow the others.
            size: of the catalogue.
        """

    @abstractmethod
    def weigh(self, counts: csr_matrix, histories: Histories) -> None:
        """Replace what was learned by what follows from counts.

        Args:
            counts: float32 [n, n], of all events; they are not changed.
            histories: all events.
        """


def count_both(histories: Histories, new: np.ndarray, size: int) -> csr_matrix:
    """Return the number of people who have both products of a pair only since the new events.

    With the table X [u, n] of who has what, and D what the new events change in it, these are
    XᵀX - (X - D)ᵀ(X - D) = DᵀX + (X - D)ᵀD. The diagonal has the number of new people of each
    product.

    Args:
        histories, new, size: see ``Counting.count``.
    """
    table = histories.matrix(size)
    old = Histories(
        histories.products[~new],
        np.cumsum(np.bincount(histories.people[~new], minlength=len(histories))),
    ).matrix(size)
    added = (table - old).tocsr()
    added.eliminate_zeros()
    counts = (added.T @ table + old.T @ added).tocsr()
    counts.eliminate_zeros()
    return counts.astype(np.float32)
