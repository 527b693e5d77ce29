"""Other orders of what people did, to see what the stored order is worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likewise.errors import LikewiseError

# Where a run of events ends, by the numbers of two neighbouring events.
RUNS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ascending": lambda one, other: one > other,
    "descending": lambda one, other: one < other,
    "all": lambda one, other: np.zeros(len(one), bool),
}


def shuffled(
    products: np.ndarray, lengths: np.ndarray, numbers: np.ndarray, runs: str, seed: int
) -> np.ndarray:
    """Events in an order that is random within runs; the last event of each user stays last.

    Where events of one day are stored by product number, the stored order within an ascending run
    may be the number's and not that of time. Runs of descending numbers cannot come from it.

    Args:
        products: int64 [m], of the events, user by user in the stored order.
        lengths: int64 [users], events of each user.
        numbers: [n], by which products are ordered, such as the place of their id.
        runs: ``ascending`` or ``descending`` numbers, or ``all`` events of a user.
        seed: of the random order.
    """
    if runs not in RUNS:
        raise LikewiseError(f"data.shuffle={runs} must be null or one of {', '.join(RUNS)}")
    ends = np.cumsum(lengths)
    number = numbers[products]
    begins = np.ones(len(products), bool)
    begins[1:] = RUNS[runs](number[:-1], number[1:])
    begins[ends[lengths > 0] - lengths[lengths > 0]] = True
    begins[ends[lengths > 0] - 1] = True
    run = np.cumsum(begins)
    order = np.lexsort((np.random.default_rng(seed).random(len(products)), run))
    return products[order]
