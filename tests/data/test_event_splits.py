"""Splits of events: nothing of the future, of a cold product or of a cold user is learned from."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import split_rows
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.event_order import shuffled
from likewise.data.event_splits import leave_last_out, split_events
from likewise.data.relevance import Events
from likewise.errors import LikewiseError

WAYS = ("last", "time", "cold_products", "cold_users")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(0, 1000))
def test_each_users_last_event_is_tested(users: list[int], seed: int) -> None:
    """Wherever the events of a user stand."""
    user = np.array(users)
    splits = leave_last_out(user)
    for one in set(users):
        rows = np.flatnonzero(user == one)
        held = [np.isin(rows, splits[name]) for name in ("train", "validation", "test")]
        if len(rows) < 3:
            assert held[0].all()
        else:
            assert held[2].tolist() == [False] * (len(rows) - 1) + [True]
            assert held[1].tolist() == [False] * (len(rows) - 2) + [True, False]
    together = np.concatenate(list(splits.values()))
    assert sorted(together) == list(range(len(user)))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 6), max_size=12))
def test_leave_one_out_equals_slicing(lengths: list[int]) -> None:
    expected: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    start = 0
    for length in lengths:
        rows = list(range(start, start + length))
        start += length
        if length >= 3:
            expected["validation"].append(rows[-2])
            expected["test"].append(rows[-1])
            rows = rows[:-2]
        expected["train"] += rows
    assert split_rows(leave_last_out(np.repeat(np.arange(len(lengths)), lengths))) == expected


@pytest.mark.parametrize("how", WAYS)
def test_every_event_stands_in_one_split(how: str) -> None:
    """Two hundred events of thirty users, and what each way promises."""
    generator = np.random.default_rng(3)
    user = np.sort(generator.integers(0, 30, 200))
    product, time = generator.integers(0, 50, 200), generator.permutation(200)
    splits = split_events(how, user, product, time, (0.1, 0.2), seed=1)
    assert sorted(np.concatenate(list(splits.values()))) == list(range(200))
    train, validation, test = (splits[name] for name in ("train", "validation", "test"))
    assert len(train) > len(test) > 0
    if how == "time":
        assert time[train].max() < time[validation].min()
        assert time[validation].max() < time[test].min()
    if how == "cold_products":
        assert not np.isin(product[test], product[train]).any()
        assert len(np.unique(product[test])) == round(0.2 * len(np.unique(product)))
    if how == "cold_users":
        assert not np.isin(user[test], user[train]).any()
        # The one event that is asked for is the last of its user; the history is known before.
        assert len(np.unique(user[test])) == len(test)
        earlier = splits["history"][np.isin(user[splits["history"]], user[test])]
        assert all(
            earlier[user[earlier] == one].max() < row
            for row, one in zip(test, user[test], strict=True)
        )


@pytest.mark.parametrize("how", WAYS)
def test_the_leaks_of_each_split_are_counted(how: str) -> None:
    """Against sets of users and products, and a loop over the events of each user."""
    generator = np.random.default_rng(1)
    user, product = np.sort(generator.integers(0, 30, 200)), generator.integers(0, 50, 200)
    # Within a user the events are in the order of time.
    time = np.concatenate(
        [np.sort(generator.permutation(900)[: (user == u).sum()]) for u in range(30)]
    )
    splits = split_events(how, user, product, time, (0.2, 0.2), 7)
    columns = {"user": user, "product": product, "time": time}
    found = dict(Events(Dataset.from_dict(columns), splits).leak_counts())
    assert set(found) == {"validation leaks", "test leaks"}
    for name, earlier_ones in (("validation", ["train"]), ("test", ["train", "validation"])):
        users, products = set(user[splits[name]]), set(product[splits[name]])
        expected = []
        for earlier in earlier_ones:
            count = sum(
                any(
                    a > b
                    for a in splits[earlier]
                    for b in splits[name]
                    if user[a] == user[b] == one
                )
                for one in users
            )
            expected.append(f"{count} of {len(users)} users have a later event in {earlier}")
        known = [
            len(users & set(user[splits["train"]])),
            len(products & set(product[splits["train"]])),
        ]
        expected.append(
            f"{known[0]} of these users and {known[1]} of {len(products)} products are in train"
        )
        assert found[f"{name} leaks"] == "; ".join(expected)
        if how in ("last", "time"):
            assert all(text.startswith("0 of") for text in expected[:-1])
        assert (known[0] == 0) == (how == "cold_users")
        assert (known[1] == 0) == (how == "cold_products")


def test_a_way_that_cannot_work_is_refused() -> None:
    """In a sentence."""
    one = np.zeros(3, np.int64)
    with pytest.raises(LikewiseError, match="needs the times"):
        split_events("time", one, one, None)
    with pytest.raises(LikewiseError, match="must be one of last, time"):
        split_events("random", one, one, None)
    with pytest.raises(LikewiseError, match="sum below 1"):
        split_events("cold_users", one, one, None, (0.5, 0.5))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.sampled_from(["ascending", "descending", "all"]),
    st.integers(0, 99),
)
def test_events_are_shuffled_within_runs_only(lengths: list[int], runs: str, seed: int) -> None:
    """Every user keeps the products and the last one; runs keep their places."""
    generator = np.random.default_rng(seed)
    products = generator.permutation(50)[: sum(lengths)]
    found = shuffled(products, np.array(lengths), np.arange(50), runs, seed)
    start = 0
    for length in lengths:
        own, other = products[start : start + length], found[start : start + length]
        assert sorted(own) == sorted(other)
        assert own[-1] == other[-1]
        history = own[:-1].tolist()
        parts: list[list[int]] = []
        for one in history:
            last = parts[-1][-1] if parts else None
            joins = last is not None and (
                runs == "all" or (one > last if runs == "ascending" else one < last)
            )
            parts[-1].append(one) if joins else parts.append([one])
        at = 0
        for part in parts:
            assert sorted(other[at : at + len(part)]) == sorted(part)
            at += len(part)
        start += length
