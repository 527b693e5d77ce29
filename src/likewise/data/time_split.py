"""Splits by time: training on the past, evaluation on later events."""

from __future__ import annotations

import numpy as np

from likewise.errors import LikewiseError


def time_splits(
    time: np.ndarray, validation_share: float, test_share: float
) -> dict[str, np.ndarray]:
    """The latest events as ``test``, those before them as ``validation``, the rest as ``train``.

    Events of one time stay together, in the earlier split, so that each split lies wholly after
    the one before; the shares are met as closely as that allows.

    Args:
        time: float64 [m], in any unit.
        validation_share, test_share: shares of all events, each above 0, with a sum below 1.

    Returns:
        rows of each split, int64, ascending.
    """
    if not (validation_share > 0 and test_share > 0 and validation_share + test_share < 1):
        raise LikewiseError(
            f"data.validation_share={validation_share} and data.test_share={test_share} must be "
            "above 0 with a sum below 1"
        )
    if not len(time):
        raise LikewiseError("there are no events to split by time")
    ordered = np.sort(time)
    last_train, last_validation = (
        ordered[max(0, round(len(time) * share) - 1)]
        for share in (1 - validation_share - test_share, 1 - test_share)
    )
    train, before_test = time <= last_train, time <= last_validation
    splits = {"train": train, "validation": before_test & ~train, "test": ~before_test}
    return {name: np.flatnonzero(rows) for name, rows in splits.items()}


def time_periods(time: np.ndarray, count: int) -> np.ndarray:
    """Return the period of each event, int64 [m], from 0: consecutive and of about equal size.

    Events of one time are in the same period.

    Args:
        time: float64 [m], in any unit.
        count: the number of periods.

    Raises:
        LikewiseError: the events do not fall into so many periods.
    """
    if count < 1:
        raise LikewiseError(f"task.periods={count} must be at least 1")
    ordered = np.sort(time)
    ends = -(-len(time) * np.arange(1, count + 1) // count) - 1
    last = np.unique(ordered[ends]) if len(time) else time
    if len(last) < count:
        raise LikewiseError(
            f"{len(time)} events at {len(np.unique(time))} times cannot be cut into "
            f"task.periods={count}; choose fewer periods or a larger split, such as by "
            "data.test_share=0.4"
        )
    return np.searchsorted(last, time)
