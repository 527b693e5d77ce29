"""Ranks in scored catalogues against a full sort."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.recommenders.catalogue_order import CatalogueOrder


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 12), st.integers(0, 10**6))
def test_ranks_and_lists_are_those_of_a_sort(people: int, size: int, k: int, seed: int) -> None:
    """Also with many products of equal score, which stand in one order for everybody."""
    scores = torch.from_numpy(
        np.random.default_rng(seed).integers(0, 4, (people, size)).astype(np.float32)
    )
    order = CatalogueOrder(size)
    top = order.top(scores, k)
    person = torch.arange(people).repeat_interleave(size)
    product = torch.arange(size).repeat(people)
    ranks = order.ranks(scores, person, product).view(people, size)
    for row in range(people):
        place = order.place.tolist()
        best = sorted(range(size), key=lambda one: (-float(scores[row, one]), place[one]))
        assert top[row].tolist() == best[:k]
        assert [int(ranks[row, one]) for one in best] == list(range(1, size + 1))


def test_products_of_equal_score_do_not_stand_in_the_order_of_rows() -> None:
    """Rows may be ordered by age or popularity, which must not help anybody."""
    first = CatalogueOrder(1000).top(torch.zeros(1, 1000), 1000)[0]
    assert abs(np.corrcoef(first.numpy(), np.arange(1000))[0, 1]) < 0.1
    assert first.equal(CatalogueOrder(1000).top(torch.ones(1, 1000), 1000)[0])
