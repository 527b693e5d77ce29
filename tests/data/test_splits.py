"""Splits by group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.splits import group_split
from likewise.errors import LikewiseError

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


@given(st.lists(st.integers(-1, 40), max_size=300), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_no_group_is_in_two_splits(groups: list[int], seed: int) -> None:
    # Enough products of their own to leave no split empty.
    numbers = np.array([*groups, *range(1000, 1300)])
    splits = group_split(numbers, SHARES, seed)
    assert list(splits) == list(SHARES)
    assert np.array_equal(np.sort(np.concatenate([*splits.values()])), np.arange(len(numbers)))
    known = [set(numbers[rows].tolist()) - {-1} for rows in splits.values()]
    assert sum(map(len, known)) == len(set.union(*known))
    assert all((np.diff(rows) > 0).all() for rows in splits.values())


def test_shares_are_met_and_the_seed_decides() -> None:
    groups = np.random.default_rng(0).integers(500, size=5000)
    splits = group_split(groups, SHARES, seed=3)
    for name, rows in splits.items():
        assert len(rows) == pytest.approx(5000 * SHARES[name], abs=20)
    again = group_split(groups, SHARES, seed=3)
    assert all(np.array_equal(splits[name], again[name]) for name in SHARES)
    other = group_split(groups, SHARES, seed=4)
    assert not np.array_equal(splits["test"], other["test"])


def test_unknown_groups_are_parted() -> None:
    splits = group_split(np.full(100, -1), {"a": 0.5, "b": 0.5}, seed=0)
    assert [len(rows) for rows in splits.values()] == [50, 50]


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": 1, "b": 0}])
def test_shares_that_are_none(shares: dict[str, float]) -> None:
    with pytest.raises(LikewiseError, match="must be above 0 and sum to 1"):
        group_split(np.arange(10), shares, seed=0)


def test_too_few_groups() -> None:
    with pytest.raises(LikewiseError, match="1 groups of 3 rows leave the split"):
        group_split(np.zeros(3, np.int64), {"a": 0.5, "b": 0.5}, seed=0)
