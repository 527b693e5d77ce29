"""Seed variances that methods lend each other."""

from __future__ import annotations

import math

import pytest

from likewise.evidence.seed_variance import pool_seeds

# Variances 1, 4 and 16 of two degrees of freedom each: 7 on average.
MEANS = {"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 6.0], "c": [0.0, 4.0, 8.0]}


def test_a_worked_example() -> None:
    pooled = pool_seeds(MEANS)
    assert pooled is not None
    # a: (7 + 2 · 1) / 3 = 3; b: (7 + 2 · 4) / 3 = 5; c: (7 + 2 · 16) / 3 = 13, less than its own.
    near, far = pooled.difference("a", "b"), pooled.difference("a", "c")
    assert near is not None
    assert far is not None
    assert near.variance == pytest.approx(3 + 5)
    assert far.variance == pytest.approx(3 + 16)
    # Satterthwaite with 3 degrees of freedom each: (1 + 4)² / (1/3 + 16/3) = 4.4, but two methods
    # have 4 of their own; and (1 + 16)² / (1/3 + 256/3), little more than the 3 of the larger.
    assert near.freedom == pytest.approx(4)
    assert far.freedom == pytest.approx(867 / 257)
    assert pooled.difference("a", "nobody") is None


@pytest.mark.parametrize(
    "third", [{}, {"c": [0.5]}, {"c": [0.5, 0.5, 0.5]}, {"c": [0.5, math.nan, 0.4]}]
)
def test_two_methods_that_vary_are_not_enough(third: dict[str, list[float]]) -> None:
    assert pool_seeds({"a": MEANS["a"], "b": MEANS["b"], **third}) is None


def test_three_methods_of_two_seeds_are_not_enough_and_four_are() -> None:
    two = {name: scores[:2] for name, scores in MEANS.items()}
    assert pool_seeds(two) is None
    assert pool_seeds({**two, "d": [1.0, 1.5]}) is not None


def test_a_method_without_luck_takes_none_from_others() -> None:
    pooled = pool_seeds({**MEANS, "rule": [0.1 + 0.2] * 3, "other rule": [0.7] * 3})
    assert pooled is not None
    found = pooled.difference("rule", "a")
    assert found is not None
    assert (found.variance, found.freedom) == pytest.approx((3, 3))
    sure = pooled.difference("rule", "other rule")
    assert sure is not None
    assert sure.variance == 0


def test_a_method_of_more_seeds_counts_for_more() -> None:
    # Five seeds of variance 16 beside variances 1 and 4 of three.
    pooled = pool_seeds({**MEANS, "c": [4 - 32**0.5, 4.0, 4.0, 4.0, 4 + 32**0.5]})
    assert pooled is not None
    typical = (2 * 1 + 2 * 4 + 4 * 16) / 8
    found = pooled.difference("a", "b")
    assert found is not None
    assert found.variance == pytest.approx((typical + 2 * 1) / 3 + (typical + 2 * 4) / 3)
    assert found.freedom == pytest.approx(4)
