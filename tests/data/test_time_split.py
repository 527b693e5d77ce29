"""Splits of events by time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.time_split import time_periods, time_splits
from likewise.errors import LikewiseError


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=40),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
)
def test_time_splits_lie_after_one_another(time: list[int], first: float, second: float) -> None:
    times = np.array(time, float)
    splits = time_splits(times, first, second)
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(time)))
    kept = [times[rows] for rows in splits.values() if len(rows)]
    assert all(a.max() < b.min() for a, b in pairwise(kept))
    assert len(splits["test"]) <= round(len(time) * second) + 1


def test_time_splits_meet_their_shares_without_ties() -> None:
    times = np.random.default_rng(0).permutation(1000).astype(float)
    splits = time_splits(times, 0.1, 0.2)
    assert {name: len(rows) for name, rows in splits.items()} == {
        "train": 700,
        "validation": 100,
        "test": 200,
    }
    with pytest.raises(LikewiseError, match="no events"):
        time_splits(np.zeros(0), 0.1, 0.2)


def test_a_worked_example_of_periods() -> None:
    """Of eight events a third is 2.67: the third event and all of its time, then the sixth."""
    times = np.array([1, 3, 2, 1, 3, 3, 5, 4], float)
    assert time_periods(times, 3).tolist() == [0, 1, 0, 0, 1, 1, 2, 2]
    assert time_periods(times, 1).tolist() == [0] * 8


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 60))
def test_periods_without_ties_are_of_equal_size(events: int, count: int) -> None:
    times = np.random.default_rng(events).permutation(events).astype(float)
    if count > events:
        with pytest.raises(LikewiseError, match=f"task.periods={count}"):
            time_periods(times, count)
        return
    found = time_periods(times, count)
    sizes = np.bincount(found)
    assert len(sizes) == count
    assert sizes.max() - sizes.min() <= 1
    assert (np.diff(found[np.argsort(times)]) >= 0).all()


def test_too_many_periods_are_refused() -> None:
    for count in (0, 3):
        with pytest.raises(LikewiseError, match=f"task.periods={count}"):
            time_periods(np.array([1.0, 1, 1, 2]), count)
