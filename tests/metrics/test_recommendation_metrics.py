"""Metrics of recommended lists against loops over people, as their papers define them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from likewise.metrics.recommendation import Recommended
from likewise.metrics.recommended_hits import HitRateAtK, RecommendationRecallAtK
from likewise.metrics.recommended_range import (
    CoverageAtK,
    DiversityAtK,
    NoveltyAtK,
    PopularityBiasAtK,
)
from likewise.metrics.recommended_ranks import (
    RecommendationMAPAtK,
    RecommendationMRR,
    RecommendationNDCGAtK,
)

PRODUCTS = 12


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[list[int]], list[set[int]]]:
    """A ranking of all products and some products to be found, for each of a few people."""
    people = draw(st.integers(1, 4))
    rankings = [draw(st.permutations(range(PRODUCTS))) for _ in range(people)]
    wanted = [draw(st.sets(st.integers(0, PRODUCTS - 1), min_size=1)) for _ in range(people)]
    return rankings, wanted


def recommended(rankings: list[list[int]], wanted: list[set[int]]) -> Recommended:
    """The same as arrays."""
    person = [place for place, found in enumerate(wanted) for _ in found]
    rank = [
        ranking.index(product) + 1
        for ranking, found in zip(rankings, wanted, strict=True)
        for product in sorted(found)
    ]
    shares = np.arange(PRODUCTS) / PRODUCTS
    properties = csr_matrix(np.eye(PRODUCTS, 3, dtype=np.float32) + np.eye(PRODUCTS, 3, k=-3))
    return Recommended(np.array(rankings), np.array(person), np.array(rank), shares, properties)


@settings(max_examples=40, deadline=None)
@given(lists(), st.integers(1, PRODUCTS))
def test_metrics_of_ranks_are_those_of_a_loop(
    case: tuple[list[list[int]], list[set[int]]], k: int
) -> None:
    """Every metric that says how well products were found."""
    rankings, wanted = case
    given_ = recommended(rankings, wanted)
    for place, (ranking, found) in enumerate(zip(rankings, wanted, strict=True)):
        hits = [product in found for product in ranking]
        gains = sum(1 / math.log2(rank + 2) for rank in range(k) if hits[rank])
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(k, len(found))))
        precisions = [sum(hits[: r + 1]) / (r + 1) for r in range(k) if hits[r]]
        expected = {
            HitRateAtK(k): float(any(hits[:k])),
            RecommendationRecallAtK(k): sum(hits[:k]) / len(found),
            RecommendationNDCGAtK(k): gains / ideal,
            RecommendationMRR(): 1 / (hits.index(True) + 1),
            RecommendationMAPAtK(k): sum(precisions) / min(k, len(found)),
        }
        for metric, value in expected.items():
            assert metric.per_person(given_)[place] == pytest.approx(value), metric.label


def test_what_is_recommended_is_measured_as_in_the_papers() -> None:
    """A worked example: two lists of three products."""
    given_ = recommended(
        [[11, 10, 0, *range(1, 10)], [11, 3, 6, 0, 1, 2, 4, 5, 7, 8, 9, 10]], [{0}, {1}]
    )
    assert CoverageAtK(3)(given_) == pytest.approx(5 / 12)
    assert PopularityBiasAtK(3)(given_) == pytest.approx(((11 + 10 + 0) + (11 + 3 + 6)) / 36 / 2)
    bits = [-math.log2(share) for share in (11 / 12, 10 / 12, 1 / 24, 11 / 12, 3 / 12, 6 / 12)]
    assert NoveltyAtK(3)(given_) == pytest.approx(np.mean(bits))
    # Of the second list 3 has the property of 0, and 11 and 6 have none.
    assert DiversityAtK(3)(given_) == pytest.approx(1.0)
    same = recommended([[0, 3, *[p for p in range(PRODUCTS) if p not in (0, 3)]]], [{0}])
    assert DiversityAtK(2)(same) == pytest.approx(0.0)


def test_diversity_is_unknown_where_nothing_is_known_of_products() -> None:
    """And coverage has no value for one person."""
    given_ = recommended([list(range(PRODUCTS))], [{0}])
    bare = Recommended(
        given_.top, given_.person, given_.rank, given_.popularity, csr_matrix((PRODUCTS, 0))
    )
    assert math.isnan(DiversityAtK(3)(bare))
    assert np.isnan(CoverageAtK(3).per_person(bare)).all()
