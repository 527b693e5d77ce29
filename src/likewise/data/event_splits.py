"""Splits of what users did: what is learned from, what is chosen on, what is judged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from likewise.data.time_split import time_splits
from likewise.errors import LikewiseError

Splits = dict[str, np.ndarray]


def leave_last_out(user: np.ndarray) -> Splits:
    """Rows (int64) of each user's last event as ``test``, the one before as ``validation``.

    Users with fewer than three events are in ``train`` with all of them.

    Args:
        user: int64 [m], a number for each user; a user's events stand in the order of time.
    """
    order = np.argsort(user, kind="stable")
    ends = np.cumsum(np.bincount(user)) if len(user) else np.zeros(0, np.int64)
    lengths = np.diff(ends, prepend=0)
    last = ends[lengths >= 3] - 1
    rest = np.ones(len(user), bool)
    rest[last] = rest[last - 1] = False
    return {
        "train": np.sort(order[rest]),
        "validation": np.sort(order[last - 1]),
        "test": np.sort(order[last]),
    }


def cold_products(product: np.ndarray, shares: tuple[float, float], seed: int) -> Splits:
    """Rows (int64) of events by a draw of products that training never sees.

    Args:
        product: int64 [m].
        shares: of all products: those of ``validation`` and those of ``test``.
        seed: of the draw.
    """
    in_validation, in_test = _drawn(product, shares, seed)
    return {
        "train": np.flatnonzero(~in_test & ~in_validation),
        "validation": np.flatnonzero(in_validation),
        "test": np.flatnonzero(in_test),
    }


def cold_users(user: np.ndarray, shares: tuple[float, float], seed: int) -> Splits:
    """Rows (int64) of events by a draw of users that training never sees.

    The last event of such a user is in ``validation`` or ``test``, and those before it are in a
    split ``history``, which is not learned from; users with one event are there with it.

    Args:
        user: int64 [m], a number for each user; a user's events stand in the order of time.
        shares: of all users: those of ``validation`` and those of ``test``.
        seed: of the draw.
    """
    in_validation, in_test = _drawn(user, shares, seed)
    count = np.bincount(user)[user]
    last = np.zeros(len(user), bool)
    last[len(user) - 1 - np.unique(user[::-1], return_index=True)[1]] = True
    asked = last & (count > 1)
    return {
        "train": np.flatnonzero(~in_test & ~in_validation),
        "validation": np.flatnonzero(in_validation & asked),
        "test": np.flatnonzero(in_test & asked),
        "history": np.flatnonzero((in_test | in_validation) & ~asked),
    }


def _drawn(
    members: np.ndarray, shares: tuple[float, float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """bool [m] each: whether a member is drawn for validation, and for test."""
    validation, test = shares
    if not (validation > 0 and test > 0 and validation + test < 1):
        raise LikewiseError(
            f"the shares {validation} and {test} of validation and test must be above 0 with a "
            "sum below 1"
        )
    known = np.random.default_rng(seed).permutation(np.unique(members))
    first, second = round(test * len(known)), round((test + validation) * len(known))
    return np.isin(members, known[first:second]), np.isin(members, known[:first])


def split_events(
    how: str,
    user: np.ndarray,
    product: np.ndarray,
    time: np.ndarray | None,
    shares: tuple[float, float] = (0.1, 0.1),
    seed: int = 0,
) -> Splits:
    """Rows (int64) of the events of each split.

    Args:
        how: ``last`` leaves each user's last two events out; ``time`` cuts at two points in time,
            so that nobody's future is trained on; ``cold_products`` and ``cold_users`` leave
            products, or users, out of training altogether.
        user, product: int64 [m]; the events of a user stand in the order of time.
        time: [m], in any unit; ``None`` where it is not known.
        shares: of the events, products or users in ``validation`` and ``test``; not for ``last``.
        seed: of the draw of products or users.
    """
    if how == "time" and time is None:
        raise LikewiseError("data.split_by=time needs the times of the events, which are not known")
    ways: dict[str, Callable[[], Splits]] = {
        "last": lambda: leave_last_out(user),
        "time": lambda: time_splits(np.asarray(time), *shares),
        "cold_products": lambda: cold_products(product, shares, seed),
        "cold_users": lambda: cold_users(user, shares, seed),
    }
    if how not in ways:
        raise LikewiseError(f"data.split_by={how} must be one of {', '.join(ways)}")
    return ways[how]()
