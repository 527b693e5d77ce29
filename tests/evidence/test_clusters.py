"""Variances of means over groups and pairs, against formulas written out anew."""

from __future__ import annotations

import math

import numpy as np
import pytest

from likewise.evidence.clusters import Clusters, number_clusters
from likewise.evidence.statistics import paired_test


def test_without_clusters_it_is_the_textbook_variance_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(size=50)
    found = Clusters.independent(50)
    assert found.variance(values) == pytest.approx(values.var(ddof=1) / 50)
    assert found.effective == 50


def test_groups_of_equal_size_are_their_means() -> None:
    values = np.random.default_rng(1).normal(size=(10, 6))
    groups = Clusters((np.repeat(np.arange(10), 6),))
    assert groups.variance(values.ravel()) == pytest.approx(values.mean(axis=1).var(ddof=1) / 10)
    assert groups.effective == pytest.approx(10)


def test_groups_of_unequal_size_are_left_out_one_at_a_time() -> None:
    generator = np.random.default_rng(2)
    groups = np.repeat([0, 1, 2, 5], [1, 4, 9, 20])  # 3 and 4 have no unit
    values = generator.normal(size=len(groups))
    means = np.array([values[groups != one].mean() for one in (0, 1, 2, 5)])
    jackknife = 3 / 4 * ((means - values.mean()) ** 2).sum()
    found = Clusters((groups,))
    assert found.variance(values) == pytest.approx(jackknife)
    assert found.effective == pytest.approx(34**2 / (1 + 16 + 81 + 400))


def test_pairs_are_dependent_where_they_share_a_product() -> None:
    """Every product left out by hand; pairs of the same two products are there twice."""
    generator = np.random.default_rng(3)
    left, right = generator.integers(0, 8, (2, 60))  # some are pairs of a product with itself
    values = generator.normal(size=60)
    names = np.array([f"p{number}" for number in range(8)])
    found = Clusters(tuple(number_clusters([names[left], names[right]]))).variance(values)
    total = 0.0
    for product in range(8):
        others = (left != product) & (right != product)
        total += 7 / 8 * (values[others].mean() - values.mean()) ** 2
    shared: dict[frozenset[int], float] = {}
    for a, b, value in zip(left.tolist(), right.tolist(), values - values.mean(), strict=True):
        if a != b:
            pair = frozenset((a, b))
            shared[pair] = shared.get(pair, 0.0) + value / 60
    assert found == pytest.approx(total - sum(value**2 for value in shared.values()))


def test_left_and_right_products_of_two_catalogues_cluster_two_ways() -> None:
    """Cameron, Gelbach and Miller 2011: by left, plus by right, less by both."""
    generator = np.random.default_rng(4)
    left, right = generator.integers(0, 400, (2, 2000))
    values = generator.normal(size=400)[left] + generator.normal(size=400)[right]
    apart = (values - values.mean()) / 2000

    def by(key: np.ndarray) -> float:
        return float((np.bincount(key, apart) ** 2).sum())

    two_way = by(left) + by(right) - by(left * 400 + right)
    found = Clusters(tuple(number_clusters([left, right + 400]))).variance(values)
    assert found == pytest.approx(two_way, rel=0.02)
    # The truth: 400 draws of each, weighted by how often they occur.
    weights = [np.bincount(side, minlength=400) / 2000 for side in (left, right)]
    assert found == pytest.approx(sum((weight**2).sum() for weight in weights), rel=0.2)


@pytest.mark.parametrize("units", [1, 12])
def test_one_group_says_nothing_of_others(units: int) -> None:
    scores = np.random.default_rng(5).normal(0.9, 0.01, (3, units))
    group = np.zeros(units, dtype=np.int64)
    assert Clusters((group,)).variance(scores[0]) == math.inf
    found = paired_test(scores, np.zeros_like(scores), clusters=(group,))
    assert found.p_value == 1
    assert found.difference.low == -math.inf
    assert found.seeds_needed is None
