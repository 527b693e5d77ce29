"""ALS and BPR by the library implicit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.linear.als import Als
from likewise.recommenders.linear.bpr import Bpr


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 7), max_size=6), min_size=1, max_size=4))
def test_the_step_of_als_solves_its_normal_equations(sequences: list[list[int]]) -> None:
    recommender = Als(factors=3, l2=0.7, confidence=4.0)
    items = np.random.default_rng(0).normal(size=(8, 3))
    recommender.items = torch.from_numpy(items.astype(np.float32))
    recommender.gram = recommender.items.T @ recommender.items
    found = recommender.scores(Histories.of(sequences)).numpy()
    for sequence, scores in zip(sequences, found, strict=True):
        confidence, wanted = np.ones(8), np.zeros(8)
        confidence[sequence], wanted[sequence] = 4, 1
        # Weighted ridge regression on all products.
        above = np.vstack([confidence[:, None] ** 0.5 * items, 0.7**0.5 * np.eye(3)])
        target = np.concatenate([confidence**0.5 * wanted, np.zeros(3)])
        person = np.linalg.lstsq(above, target, rcond=None)[0]
        np.testing.assert_allclose(scores, items @ person, atol=1e-4)


def test_a_confidence_of_one_makes_als_a_truncated_svd(small_shop) -> None:
    pytest.importorskip("implicit")
    _, histories, data = small_shop
    recommender = Als(factors=4, l2=1e-6, confidence=1.0, iterations=300)
    recommender.fit(histories, data, 0)
    table = histories.matrix(14).toarray()
    left, values, right = np.linalg.svd(table, full_matrices=False)
    best = (left[:, :4] * values[:4]) @ right[:4]
    found = recommender.scores(histories).numpy()
    np.testing.assert_allclose(found[:, :13], best[:, :13], atol=2e-3)


@pytest.mark.parametrize("kind", [Als, Bpr])
def test_two_kinds_of_people_are_told_apart(event_maker, kind: type) -> None:
    pytest.importorskip("implicit")
    generator = np.random.default_rng(0)
    # Even people have products 0 to 9, odd people 10 to 19; nobody has product 20.
    sequences = [
        (10 * (person % 2) + generator.choice(10, 6, replace=False)).tolist()
        for person in range(60)
    ]
    data = event_maker(21, sequences)
    first, second = kind(factors=2), kind(factors=2)
    for one in (first, second):
        one.fit(Histories.of(sequences), data, 3)
    found = first.scores(Histories.of([[0, 1], [11, 12], []]))
    assert found[0, :10].min() > found[0, 10:].max()
    assert found[1, 10:20].min() > found[1, :10].max()
    assert (found[:, 20] <= found.min(1).values).all()
    assert torch.equal(found[2, :20], torch.zeros(20))
    assert torch.equal(second.scores(Histories.of([[0, 1], [11, 12], []])), found)


@pytest.mark.parametrize(
    ("kind", "options"),
    [(Als, {"factors": 0}), (Als, {"confidence": 0.5}), (Als, {"l2": 0}), (Bpr, {"l2": -1})],
)
def test_options_out_of_range_are_named(kind: type, options: dict) -> None:
    (name,) = options
    with pytest.raises(LikewiseError, match=f"recommender.{name}="):
        kind(**options)
