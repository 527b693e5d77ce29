"""Item-kNN, co-occurrence, EASE and SLIM against plain loops and other solutions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.counts import cooccurrence, item_knn, neighbours
from likewise.recommenders.counts.cooccurrence import Cooccurrence
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.counts.repeat import Repeat
from likewise.recommenders.linear.ease import Ease
from likewise.recommenders.linear.slim import Slim

SIZE = 6
SEQUENCES = st.lists(st.lists(st.integers(0, SIZE - 1), max_size=7), min_size=1, max_size=6)


def had(sequences: list[list[int]], size: int) -> np.ndarray:
    """Float [u, n], 1 where a person had a product."""
    table = np.zeros((len(sequences), size))
    for person, sequence in enumerate(sequences):
        for product in sequence:
            table[person, product] = 1
    return table


def alike(sequences: list[list[int]], size: int, measure: str, shrinkage: float, kept: int):
    """The matrix of item-kNN by loops over pairs of products."""
    buyers = [{u for u, one in enumerate(sequences) if i in one} for i in range(size)]
    found = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            c, a, b = len(buyers[i] & buyers[j]), len(buyers[i]), len(buyers[j])
            if c and i != j:
                below = {
                    "cosine": (a * b) ** 0.5,
                    "jaccard": len(buyers[i] | buyers[j]),
                    "lift": a * b / len(sequences),
                }[measure]
                found[i, j] = np.float32(c / (below + shrinkage))
        if kept:
            found[i, sorted(range(size), key=lambda j: (-found[i, j], j))[kept:]] = 0
    return found


@settings(max_examples=40, deadline=None)
@given(SEQUENCES, st.sampled_from(item_knn.MEASURES), st.sampled_from([0, 2.5]), st.integers(0, 3))
def test_item_knn_is_what_loops_find(event_maker, sequences, measure, shrinkage, kept) -> None:
    recommender = ItemKnn(measure, kept, shrinkage)
    recommender.fit(Histories.of(sequences), event_maker(SIZE, sequences), 0)
    expected = alike(sequences, SIZE, measure, shrinkage, kept)
    found = recommender.scores(Histories.of(sequences)).numpy()
    np.testing.assert_allclose(found, had(sequences, SIZE) @ expected, rtol=1e-5)


def near(sequences: list[list[int]], size: int, window: int, backward: float) -> np.ndarray:
    """The matrix of co-occurrence by loops over pairs of events, with the powers 1/2 and 1/4."""
    found, events = np.zeros((size, size)), np.ones(size)
    for i in range(size):
        events[i] = max(1, sum(one.count(i) for one in sequences))
    for sequence in sequences:
        for p, i in enumerate(sequence):
            for q, j in enumerate(sequence):
                if i != j and 0 < abs(q - p) <= window:
                    found[i, j] += (1 if q > p else backward) / abs(q - p) ** 0.5
    return found / (events[:, None] * events[None]) ** 0.25


@settings(max_examples=40, deadline=None)
@given(SEQUENCES, st.integers(1, 4), st.sampled_from([0, 0.2]), st.integers(0, 3))
def test_cooccurrence_is_what_loops_find(event_maker, sequences, window, backward, recent) -> None:
    recommender = Cooccurrence(window, backward=backward, recent=recent, decay=0.5)
    recommender.fit(Histories.of(sequences), event_maker(SIZE, sequences), 0)
    expected = near(sequences, SIZE, window, backward)
    found = recommender.scores(Histories.of(sequences)).numpy()
    for sequence, scores in zip(sequences, found, strict=True):
        by_hand = np.zeros(SIZE)
        for age, product in enumerate(sequence[::-1][: recent or None]):
            by_hand += 0.5**age * expected[product]
        np.testing.assert_allclose(scores, by_hand, rtol=1e-5)


@pytest.mark.parametrize("kind", [ItemKnn, Cooccurrence])
@pytest.mark.parametrize("kept", [0, 2])
def test_small_blocks_find_the_same(small_shop, monkeypatch, kind: type, kept: int) -> None:
    _, histories, data = small_shop
    whole, parts = kind(neighbours=kept), kind(neighbours=kept)
    whole.fit(histories, data, 0)
    small = list(neighbours.row_blocks(np.full(14, 9), limit=20))
    assert [(one.start, one.stop) for one in small] == [(i, i + 2) for i in range(0, 14, 2)]
    monkeypatch.setattr(cooccurrence, "BLOCK", 40)
    for module in (item_knn, cooccurrence):
        monkeypatch.setattr(module, "row_blocks", lambda n, _=0: neighbours.row_blocks(n, 20))
    parts.fit(histories, data, 0)
    torch.testing.assert_close(parts.scores(histories), whole.scores(histories))


ENTRIES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(-2, 2)))


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.integers(0, 5))
def test_the_largest_of_each_row_are_kept(entries: list[tuple[int, int, int]], k: int) -> None:
    entries = list({(row, column): (row, column, value) for row, column, value in entries}.values())
    rows, columns, values = (np.array([one[i] for one in entries], int) for i in range(3))
    matrix = csr_matrix((values.astype(np.float32), (rows, columns)), shape=(5, 7))
    found = neighbours.keep_largest(matrix, k).tocoo()
    expected = set()
    for row in range(5):
        stored = sorted((-v, c) for r, c, v in entries if r == row)
        expected |= {(row, c, -v) for v, c in (stored[:k] if k else stored)}
    kept = zip(found.row.tolist(), found.col.tolist(), found.data.tolist(), strict=True)
    assert set(kept) == expected


@pytest.mark.parametrize("l2", [0.5, 20.0])
def test_ease_is_the_constrained_least_squares_solution(small_shop, l2: float) -> None:
    sequences, histories, data = small_shop
    table = had(sequences, 14)
    recommender = Ease(l2)
    recommender.fit(histories, data, 0)
    expected = np.zeros((14, 14))
    for j in range(14):
        others = np.delete(np.arange(14), j)
        above = np.vstack([table[:, others], l2**0.5 * np.eye(13)])
        target = np.concatenate([table[:, j], np.zeros(13)])
        expected[others, j] = np.linalg.lstsq(above, target, rcond=None)[0]
    np.testing.assert_allclose(recommender.weights.numpy(), expected, atol=1e-5)
    found = recommender.scores(histories).numpy()
    np.testing.assert_allclose(found[:, :13], (table @ expected)[:, :13], atol=1e-5)
    np.testing.assert_array_equal(found[:, 13], np.minimum(found[:, :13].min(1), 0))


def test_ease_names_the_memory_that_it_lacks(event_maker: Callable) -> None:
    data = event_maker(3, [[0, 1]])

    large: Any = SimpleNamespace(catalogue=range(10**7))

    with pytest.raises(LikewiseError, match=r"10,000,000 products would need about 1,200,000 GB"):
        Ease().fit(Histories.of([[0, 1]]), large, 0)
    Ease().fit(Histories.of([[0, 1]]), data, 0)


@pytest.mark.parametrize(("l1", "l2"), [(0.5, 1.0), (1.5, 0.0)])
def test_slim_meets_the_conditions_of_its_minimum(small_shop, l1: float, l2: float) -> None:
    sequences, histories, data = small_shop
    table = had(sequences, 14)
    recommender = Slim(l1, l2, iterations=500, tolerance=1e-6)
    recommender.fit(histories, data, 0)
    weights = recommender.weights.get().toarray().astype(np.float64)
    assert (weights >= 0).all()
    assert (weights > 0).sum() > 10
    assert not weights.diagonal().any()
    # Karush, Kuhn and Tucker: no slope where a weight is positive, none downwards where it is 0.
    slope = table.T @ (table @ weights - table) + l2 * weights + l1
    np.fill_diagonal(slope, 0)
    np.testing.assert_allclose(slope[weights > 0], 0, atol=1e-3)
    assert slope.min() > -1e-3


def test_popular_counts_people_and_repeat_counts_the_history(small_shop) -> None:
    sequences, histories, data = small_shop
    popular, repeat, faded = Popular(), Repeat(), Repeat(decay=0.5, recent=3)
    for one in (popular, repeat, faded):
        one.fit(histories, data, 0)
    table = had(sequences, 14)
    np.testing.assert_array_equal(popular.scores(histories)[0], table.sum(0))
    np.testing.assert_array_equal(repeat.scores(histories), table)
    # The latest events 5, 2, 5 of the sequence 5, 5, 2, 5.
    assert sequences[1] == [5, 5, 2, 5]
    assert faded.scores(histories)[1, [2, 5]].tolist() == [0.5, 1.25]


def test_histories_are_taken_in_any_order() -> None:
    histories = Histories.of([[1, 2], [], [3, 4, 5], [6]])
    found = histories.take(np.array([2, -1, 0, 1]))
    ends = [0, *found.ends.tolist()]
    assert [found.products[a:b].tolist() for a, b in pairwise(ends)] == [[3, 4, 5], [], [1, 2], []]
    latest = histories.latest(2)
    ends = [0, *latest.ends.tolist()]
    assert [latest.products[a:b].tolist() for a, b in pairwise(ends)] == [[1, 2], [], [4, 5], [6]]


@pytest.mark.parametrize("kind", [ItemKnn, Cooccurrence, Ease, Slim, Popular, Repeat])
def test_a_catalogue_of_one_product(event_maker: Callable, kind: type) -> None:
    recommender = kind()
    recommender.fit(Histories.of([[0], []]), event_maker(1, [[0], []]), 0)
    assert recommender.scores(Histories.of([[], [0]])).isfinite().all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ItemKnn, {"measure": "euclid"}),
        (ItemKnn, {"neighbours": -1}),
        (ItemKnn, {"shrinkage": float("nan")}),
        (Cooccurrence, {"window": 0}),
        (Cooccurrence, {"backward": -1}),
        (Cooccurrence, {"decay": 0}),
        (Ease, {"l2": 0}),
        (Slim, {"l1": 0}),
    ],
)
def test_options_out_of_range_are_named(kind: type, options: dict) -> None:
    (name,) = options
    with pytest.raises(LikewiseError, match=f"recommender.{name}="):
        kind(**options)
