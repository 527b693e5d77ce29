"""Signals of pairs by hand, and the trees over them against scikit-learn."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.catalogue import make_catalogue
from likewise.data.pair_signals import Offer, PairSignals, read_offers

TITLES = [
    "Sony WH-1000XM4 headphones black",
    "sony headphones wh1000xm4 (black)",
    "Sony WH-1000XM3 headphones",
    "desk lamp",
    None,
]


def offers_of(titles: list[str | None], **columns: list) -> list[Offer]:
    ids = [str(row) for row in range(len(titles))]
    catalogue = make_catalogue({"product_id": ids, "title": titles, **columns})
    return read_offers(catalogue, np.arange(len(titles)))


def signals_of(offers: list[Offer], one: int, other: int) -> dict[str, float]:
    signals = PairSignals()
    signals.fit(offers)
    values = signals(offers, np.array([one]), np.array([other]))[0]
    return dict(zip(signals.names, values.tolist(), strict=True))


def test_signals_by_hand() -> None:
    offers = offers_of(TITLES, price=[300.0, 240.0, None, 0.0, 5.0])
    same = signals_of(offers, 0, 1)
    other = signals_of(offers, 0, 2)
    assert same["models alike"] == 1
    assert same["models inside least"] == 1
    assert other["models alike"] == other["models inside most"] == 0
    assert other["models of one side"] == 1
    assert same["price ratio"] == pytest.approx(0.8)
    assert math.isnan(other["price ratio"])
    # Of sony, headphones, black and two spellings of the model three are shared.
    assert same["title jaccard"] == pytest.approx(3 / 5)
    assert other["title jaccard"] == pytest.approx(2 / 5)
    assert same["title token set"] > 0.7
    known = {name for name in same if name.startswith(("title", "all"))}
    assert all(math.isnan(signals_of(offers, 0, 4)[name]) for name in known)


def test_identical_products_are_as_alike_as_can_be() -> None:
    found = signals_of(offers_of([TITLES[0], TITLES[0], "a mug"]), 0, 1)
    for name in ("jaccard", "weighted jaccard", "4-grams", "token set", "edit", "contained least"):
        assert found[f"title {name}"] == 1, name


def test_rare_words_are_learned_from_the_products_given() -> None:
    offers = offers_of(TITLES)
    signals = PairSignals()
    signals.fit(offers[:3])
    assert signals.weights["sony"] == pytest.approx(math.log(4 / 3))
    assert "lamp" not in signals.weights
    again = PairSignals.of(json.loads(json.dumps(signals.to_dict())))
    left, right = np.array([0, 0, 3]), np.array([1, 4, 2])
    np.testing.assert_array_equal(again(offers, left, right), signals(offers, left, right))


def test_attributes_that_many_products_have_are_compared_one_by_one() -> None:
    facts = [[{"name": "colour", "value": value}] for value in ("red", "Red ", "blue")]
    found = offers_of(["a", "b", "c"], attributes=facts)
    assert signals_of(found, 0, 1)["colour alike"] == 1
    assert signals_of(found, 0, 2)["colour alike"] < 0.5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=2, max_size=2))
def test_sides_may_be_swapped_and_texts_be_anything(titles: list[str]) -> None:
    offers = offers_of([*titles, "x" * 100_000])
    signals = PairSignals()
    signals.fit(offers)
    there = signals(offers, np.array([0, 0]), np.array([1, 2]))
    back = signals(offers, np.array([1, 2]), np.array([0, 0]))
    np.testing.assert_array_equal(there, back)
    assert there.shape == (2, len(signals.names))
    assert not np.isinf(there).any()
