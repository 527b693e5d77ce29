"""Intervals that cover, tests that keep their level, and worked examples of the literature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from likewise.evidence.statistics import holm, paired_test, rank_methods
from likewise.metrics.interval import mean_interval


def simulate(
    generator: np.random.Generator,
    seeds: int,
    queries: int,
    difference: float = 0.0,
    seed_spread: float = 0.01,
    query_spread: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Per-query scores of two methods: shared difficulty, and each seed its own luck."""
    difficulty = generator.normal(0.7, 0.2, queries)
    scores = []
    for shift in (difference, 0.0):
        luck = generator.normal(0, seed_spread, (seeds, 1))
        taste = generator.normal(0, query_spread, queries)
        noise = generator.normal(0, 0.1, (seeds, queries))
        scores.append(difficulty + shift + luck + taste + noise)
    return scores[0], scores[1]


def test_mean_interval_is_students() -> None:
    values = [0.71, 0.74, 0.69, 0.73]
    found = mean_interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert mean_interval([0.5]).high == math.inf


@pytest.mark.parametrize("query_spread", [0.0, 0.2])
@pytest.mark.parametrize("seeds", [2, 4])
def test_intervals_cover_the_true_difference(seeds: int, query_spread: float) -> None:
    generator = np.random.default_rng(seeds)
    covered = 0
    for _ in range(300):
        method, baseline = simulate(generator, seeds, 200, 0.05, query_spread=query_spread)
        interval = paired_test(method, baseline).difference
        covered += interval.low <= 0.05 <= interval.high
    # 300 draws of a 95 % interval: fewer than 273 happen once in 1,000 tests.
    assert covered >= 273


def test_a_method_is_no_better_than_itself() -> None:
    generator = np.random.default_rng(0)
    kept = 0
    for _ in range(200):
        method, baseline = simulate(generator, 3, 500, query_spread=0.05)
        kept += paired_test(method, baseline).p_value >= 0.05
    assert kept >= 0.94 * 200


def test_treating_queries_as_independent_would_find_differences_that_are_not() -> None:
    generator = np.random.default_rng(0)
    naive = ours = 0
    for _ in range(200):
        method, baseline = simulate(generator, 3, 2000, seed_spread=0.02)
        naive += stats.ttest_rel(method.ravel(), baseline.ravel()).pvalue < 0.05
        ours += paired_test(method, baseline).p_value < 0.05
    assert naive > 100
    assert ours <= 12


def test_without_a_query_effect_it_is_the_paired_t_test_over_seeds() -> None:
    # Every seed's difference is the same for all queries: the queries add no variance.
    shifts = np.array([0.01, 0.03, 0.02, 0.06])
    difficulty = np.random.default_rng(0).random(50)
    found = paired_test(difficulty + shifts[:, None], np.tile(difficulty, (4, 1)))
    expected = stats.ttest_1samp(shifts, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.difference.low == pytest.approx(expected.confidence_interval(0.95).low, abs=1e-6)
    assert found.effect_size == pytest.approx(shifts.mean() / shifts.std(ddof=1))


def test_with_seeds_that_agree_it_is_the_paired_test_over_queries() -> None:
    generator = np.random.default_rng(1)
    one = generator.normal(0.01, 0.1, 400)
    found = paired_test(np.tile(one, (3, 1)), np.zeros((3, 400)))
    statistic = abs(one.mean()) / stats.sem(one)
    assert found.p_value == pytest.approx(2 * stats.t.sf(statistic, 399))


def test_the_error_is_that_of_behrens_and_fisher() -> None:
    """Mean squares again by least squares with indicator columns, the p-value by drawing."""
    generator = np.random.default_rng(2)
    seeds, queries = 4, 12
    d = generator.normal(0, 1, (seeds, 1)) + generator.normal(0.9, 2, queries)
    d = d + generator.normal(0, 0.5, (seeds, queries))
    rows, columns = np.indices(d.shape)
    of_seed = (rows.ravel()[:, None] == np.arange(1, seeds)).astype(float)
    of_query = (columns.ravel()[:, None] == np.arange(1, queries)).astype(float)
    one = np.ones((d.size, 1))

    def residual(*parts: np.ndarray) -> float:
        design = np.hstack([one, *parts])
        return float(np.linalg.lstsq(design, d.ravel(), rcond=None)[1][0])

    rest = residual(of_seed, of_query)
    square_seeds = (residual(of_query) - rest) / (seeds - 1)
    square_queries = (residual(of_seed) - rest) / (queries - 1)
    square_rest = rest / ((seeds - 1) * (queries - 1))
    drawn = math.sqrt(square_seeds / d.size) * generator.standard_t(seeds - 1, 1_000_000)
    of_queries = math.sqrt((square_queries - square_rest) / d.size)
    drawn += of_queries * generator.standard_t(queries - 1, len(drawn))
    found = paired_test(d, np.zeros_like(d))
    assert found.p_value == pytest.approx((abs(drawn) >= abs(d.mean())).mean(), abs=3e-3)
    reach = found.difference.high - found.difference.mean
    assert reach == pytest.approx(np.quantile(abs(drawn), 0.95), rel=1e-2)


def test_seeds_needed_are_enough_and_no_more() -> None:
    # Differences of mean 0.01 and standard deviation 0.01 over seeds: d = 1, a textbook case
    # (two-sided 5 %, power 80 %: 10 pairs; Cohen 1988, table 2.4.1 gives the same).
    generator = np.random.default_rng(3)
    luck = generator.normal(0, 1, 4)
    luck = 0.01 + 0.01 * (luck - luck.mean()) / luck.std(ddof=1)
    found = paired_test(np.tile(luck[:, None], (1, 30)), np.zeros((4, 30)))
    assert found.p_value > 0.05
    assert found.seeds_needed == 10


def test_identical_scores_and_one_seed() -> None:
    same = np.random.default_rng(0).random((3, 20))
    found = paired_test(same, same)
    assert found.p_value == 1
    assert found.difference.mean == found.effect_size == 0
    assert found.seeds_needed is None
    alone = paired_test(same[:1], same[1:2])
    assert math.isnan(alone.p_value)
    assert alone.difference.high == math.inf


def test_a_query_without_a_score_is_left_out() -> None:
    generator = np.random.default_rng(0)
    method, baseline = simulate(generator, 3, 20, 0.05)
    holed = method.copy()
    holed[1, 4] = np.nan
    keep = np.arange(20) != 4
    assert paired_test(holed, baseline) == paired_test(method[:, keep], baseline[:, keep])
    with pytest.raises(ValueError, match="no query"):
        paired_test(np.full((2, 3), np.nan), np.zeros((2, 3)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_its_step_down_rule_rejects(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    rejected = set()
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for step, place in enumerate(order):
        if p_values[place] * (len(order) - step) > 0.05:
            break
        rejected.add(place)
    assert {place for place, value in enumerate(adjusted) if value <= 0.05} == rejected


def test_holm_leaves_out_what_was_not_tested() -> None:
    adjusted = holm([0.01, math.nan, 0.04])
    assert adjusted[0] == pytest.approx(0.02)
    assert adjusted[2] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])


def test_ranks_of_demsars_worked_example() -> None:
    # Demšar 2006, table 6: AUC of C4.5 without and with pruning and cross-validated parameters.
    scores = np.array(
        [
            [0.763, 0.768, 0.771, 0.798],
            [0.599, 0.591, 0.590, 0.569],
            [0.954, 0.971, 0.968, 0.967],
            [0.628, 0.661, 0.654, 0.657],
            [0.882, 0.888, 0.886, 0.898],
            [0.936, 0.931, 0.916, 0.931],
            [0.661, 0.668, 0.609, 0.685],
            [0.583, 0.583, 0.563, 0.625],
            [0.775, 0.838, 0.866, 0.875],
            [1.000, 1.000, 1.000, 1.000],
            [0.940, 0.962, 0.965, 0.962],
            [0.619, 0.666, 0.614, 0.669],
            [0.972, 0.981, 0.9751, 0.975],  # the paper ranks these two, unrounded, 2 and 3
            [0.957, 0.978, 0.946, 0.970],
        ]
    )
    ranks = rank_methods(scores)
    assert ranks.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert ranks.critical_difference == pytest.approx(1.25, abs=5e-3)
    assert ranks.p_value < 0.05
