"""Each kind of relevance refuses what is inconsistent, and counts its own leaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.catalogue import ProductData, fingerprint, make_catalogue
from likewise.data.relevance import (
    Events,
    Groups,
    Judgements,
    LoggedFeedback,
    Pairs,
    Relevance,
    Trust,
)
from likewise.errors import LikewiseError

PLACES = {"train": np.array([0, 1]), "validation": np.array([2]), "test": np.array([3])}
ROWS = np.arange(4)


def groups() -> Groups:
    """Two groups of four of the five products; the fifth is the gallery."""
    return Groups(ROWS, np.array([0, 1, 0, 1]), ["cup", "rug"], PLACES, np.array([4]))


def pairs() -> Pairs:
    return Pairs(ROWS, ROWS + 1, np.array([1, 0, 1, 0]), PLACES)


def judgements() -> Judgements:
    return Judgements(
        ["cup", "rug"], np.array([0, 0, 1, 1]), ROWS, np.array([1.0, 2, 3, 1]), PLACES
    )


def events(**changed: list) -> Events:
    columns = {"user": [7, 7, 7, 9], "product": [0, 1, 2, 3], "time": [1.0, 2.0, 2.0, 0.0]}
    return Events(Dataset.from_dict(columns | changed), PLACES)


def feedback() -> LoggedFeedback:
    context = Dataset.from_dict({"time": [1.0, 2.0, 3.0, 4.0]})
    return LoggedFeedback(context, ROWS, ROWS, np.ones(4), np.full(4, 0.5), PLACES)


KINDS = [groups, pairs, judgements, events, feedback]
INCONSISTENT: list[tuple[Callable[[], Relevance], dict, str]] = [
    (groups, {"products": np.array([0, 1, 2, 9])}, "products names row 9 of the catalogue"),
    (groups, {"products": np.array([0, 1, 2, 2])}, "a product has two groups"),
    (groups, {"labels": np.array([0, 1, 0, 2])}, "labels names row 2 of the names, which has 2"),
    (groups, {"labels": np.array([0, 1, 0, -1])}, "labels names row -1"),
    (groups, {"labels": np.array([0, 1])}, "labels has the shape"),
    (groups, {"gallery": np.array([5])}, "gallery names row 5 of the catalogue"),
    (groups, {"gallery": np.array([3])}, "a product of test is in the gallery too"),
    (pairs, {"left": np.array([0.0, 1, 2, 3])}, "left must be an array of whole numbers"),
    (pairs, {"labels": np.array([0, 1, 2, 1])}, "a label is neither 0 nor 1"),
    (pairs, {"splits": {"train": np.array([4])}}, "the split train names row 4 of the pairs"),
    (pairs, {"splits": {"train": np.array([1, 1])}}, "the split train holds a pair twice"),
    (judgements, {"grades": np.array([1, np.nan, 2, 3])}, "a grade is not a finite number"),
    (judgements, {"query": np.array([0, 1, 2, 0])}, "query names row 2 of the queries"),
    (events, {"events": Dataset.from_dict({"user": [1]})}, "events have no column product"),
    (events, {"trust": Trust(np.array([1]))}, "needs a user and whom that user trusts"),
    (feedback, {"propensity": np.array([0.5, 0, 1, 1])}, "a propensity is not above 0"),
    (feedback, {"propensity": np.array([0.5, np.nan, 1, 1])}, "a propensity is not above 0"),
    (feedback, {"position": np.array([0, -1, 1, 1])}, "a position is below 0"),
    (feedback, {"reward": np.array([0, np.inf, 1, 1])}, "a reward is not a finite number"),
    (feedback, {"action": np.array([0, 5, 1, 1])}, "action names row 5 of the catalogue"),
    (feedback, {"context": Dataset.from_dict({"time": [1.0]})}, "1 contexts for 4 choices"),
]


def data(*relevance: Relevance) -> ProductData:
    catalogue = make_catalogue({"product_id": list("abcde"), "title": list("vwxyz")})
    return ProductData(catalogue, dict(PLACES), "f0", relevance)


@pytest.mark.parametrize(("sound", "changed", "sentence"), INCONSISTENT)
def test_inconsistent_arrays_are_refused(
    sound: Callable[[], Relevance], changed: dict, sentence: str
) -> None:
    with pytest.raises(LikewiseError, match=sentence) as caught:
        data(replace(sound(), **changed))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_described_and_part_of_the_fingerprint(
    kind: Callable[[], Relevance],
) -> None:
    relevance = kind()
    found = data(relevance)
    assert len(relevance) == 4
    assert found.get(type(relevance)) is found.main is relevance
    assert any(text for _, text in relevance.describe())
    moved = {**PLACES, "train": np.array([0])}
    changed = replace(found, relevance=(replace(relevance, splits=moved),))
    assert len({fingerprint(data()), fingerprint(found), fingerprint(changed)}) == 3
    for other in KINDS:
        if other is not kind:
            with pytest.raises(LikewiseError, match=r"task=x needs .* do not have; choose data"):
                found.get(type(other()), "task=x")


def test_events_out_of_the_order_of_time() -> None:
    with pytest.raises(LikewiseError, match="not in the order of time"):
        data(events(time=[1.0, 3.0, 2.0, 0.0]))
    # Between users there is no order.
    data(events(time=[5.0, 6.0, 7.0, 0.0]))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12))
def test_users_whose_future_is_in_an_earlier_split(rows: list[tuple[int, int]]) -> None:
    names = ("train", "validation", "test")
    splits = {
        name: np.array([row for row, (_, part) in enumerate(rows) if part == place], np.int64)
        for place, name in enumerate(names)
    }
    table = {"user": [user for user, _ in rows], "product": [0] * len(rows)}
    if not rows:
        return
    found = Events(Dataset.from_dict(table), splits).leaks(np.arange(1))
    for (earlier, later), count in found.items():
        users = {
            rows[one][0]
            for one in splits[earlier]
            for other in splits[later]
            if rows[one][0] == rows[other][0] and one > other
        }
        assert count == len(users)


def test_a_product_without_a_group_is_alike_to_no_other() -> None:
    some = Groups.of(
        np.array([1, 0]), ["cup", "rug"], {"train": np.array([3, 4, 1])}, np.array([3, 1])
    )
    assert some.rows("train").tolist() == [3, 1]
    assert some.labels_of("train").tolist() == [1, 0]
    numbers = some.numbers(5)
    assert numbers[[3, 1]].tolist() == [1, 0]
    assert len(set(numbers.tolist())) == 5
    assert numbers.min() >= 0
    left = some.without({"train": np.array([4, 1])})
    assert left.rows("train").tolist() == [1]


def test_groups_of_pairs_are_those_of_training_matches() -> None:
    chain = Pairs(
        np.array([0, 1, 3]),
        np.array([1, 2, 4]),
        np.ones(3, np.int64),
        {"train": np.array([0, 1]), "validation": ROWS[:0], "test": np.array([2])},
    )
    first, second, third, fourth, fifth = chain.groups.tolist()
    assert first == second == third
    assert len({first, fourth, fifth}) == 3


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1), st.integers(0, 2)),
        max_size=25,
    )
)
def test_leaks_equal_counting_with_sets(rows: list[tuple[int, int, int, int]]) -> None:
    table = np.array(rows, np.int64).reshape(-1, 4)
    names = ("train", "validation", "test")
    splits = {name: np.flatnonzero(table[:, 3] == place) for place, name in enumerate(names)}
    pairs = Pairs(table[:, 0], table[:, 1], table[:, 2], splits)
    contents = np.array([0, 1, 2, 2, 3])
    keys = [frozenset({int(contents[a]), int(contents[b])}) for a, b, *_ in rows]
    members = {name: {keys[row] for row in splits[name]} for name in names}
    labels = {key: {r[2] for k, r in zip(keys, rows, strict=True) if k == key} for key in keys}
    shared = {(a, b): len(members[a] & members[b]) for a, b in combinations(names, 2)}
    assert pairs.leaks(contents) == shared
    several = sum(sum(key in m for m in members.values()) > 1 for key in set(keys))
    assert pairs.repeated(contents) == several
    assert pairs.conflicts(contents) == sum(len(found) > 1 for found in labels.values())
    seen = members["train"] | members["validation"]
    clean = [row for row in splits["test"] if keys[row] not in seen]
    assert pairs.unleaked_test(contents).tolist() == clean
