"""Threshold rules against brute force, scipy and simulations with known truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from likewise.errors import LikewiseError
from likewise.thresholds.adaptive import Adaptive
from likewise.thresholds.base import Cuts, Decision, KnownPairs, pair_categories, pair_clusters
from likewise.thresholds.best_f1 import BestF1, best_threshold
from likewise.thresholds.max_profit import MaxProfit
from likewise.thresholds.per_category import PerCategory
from likewise.thresholds.saved import read_decision, write_decision
from likewise.thresholds.target_precision import TargetPrecision, drawn_counts


def known(scores, labels, clusters=None, categories=None) -> KnownPairs:
    """Pairs of clusters of their own, unless clusters are given."""
    scores = np.array(scores, float)
    own = np.arange(len(scores)) if clusters is None else np.array(clusters)
    named = None if categories is None else np.array(categories, dtype=object)
    return KnownPairs(scores, np.array(labels), own, named)


scored = st.lists(st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=25).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


@given(scored, st.tuples(*[st.floats(0.1, 9)] * 4))
@settings(max_examples=60, deadline=None)
def test_no_threshold_has_a_greater_profit(rows, amounts) -> None:
    pairs = known([score for score, _ in rows], [int(label) for _, label in rows])
    false_match, missed, gain, rejection = amounts

    def profit(threshold: float) -> float:
        total = 0.0
        for score, label in zip(pairs.scores, pairs.labels, strict=True):
            if score >= threshold:
                total += gain if label else -false_match
            else:
                total += -missed if label else rejection
        return total / len(pairs.labels)

    rule = MaxProfit(false_match, missed, gain, rejection)
    chosen = rule.decide(pairs).threshold
    best = max(profit(one) for one in [*pairs.scores, math.inf])
    assert profit(chosen) == pytest.approx(best)
    assert rule.profit(pairs.scores >= chosen, pairs.labels) == pytest.approx(best)


def test_nothing_is_declared_where_every_declaration_loses() -> None:
    assert MaxProfit(100, 1).decide(known([3, 2, 1], [0, 1, 0])).threshold == math.inf


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ((5, -2, 1), "declaring a match never gains anything"),
        ((-1, 1), "rejecting a pair never gains anything"),
        ((math.inf, 1), "finite"),
    ],
)
def test_a_cost_matrix_without_any_gain_is_refused(costs, message: str) -> None:
    with pytest.raises(LikewiseError, match=message):
        MaxProfit(*costs)


@given(scored, st.integers(1, 6), st.integers(1, 3), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_at_most_one_declared_pair_of_each_cluster_is_drawn(
    rows, count: int, limit: int, seed: int
) -> None:
    pairs = known([score for score, _ in rows], [int(label) for _, label in rows])
    clusters = np.arange(len(rows)) % count
    cuts = Cuts.of(pairs.scores)
    found, false = drawn_counts(cuts, pairs.labels, clusters, limit, seed)
    generator = np.random.default_rng(seed)
    priority = generator.permutation(len(rows))
    names = np.unique(clusters)
    position = dict(zip(names, generator.integers(limit, size=len(names)), strict=True))
    for place, threshold in enumerate(cuts.thresholds):
        above = np.flatnonzero(pairs.scores >= threshold)
        assert len(above) == cuts.declared[place]
        drawn = []
        for one in names:
            own = sorted(above[clusters[above] == one], key=lambda row: priority[row])
            drawn += own[position[one] : position[one] + 1]
        assert found[place] == len(drawn)
        assert false[place] == (pairs.labels[drawn] == 0).sum()


def test_every_declared_pair_is_drawn_equally_often() -> None:
    """Clusters of 1 and 2 pairs, of which the second alone has a false one."""
    cuts, labels = Cuts.of(np.array([3.0, 2.0, 1.0])), np.array([1, 1, 0])
    counts = np.array(
        [drawn_counts(cuts, labels, np.array([0, 1, 1]), 2, seed) for seed in range(2000)]
    )[:, :, -1]
    # Three pairs, each with probability 1/2: 1.5 are drawn, 0.5 of them false.
    np.testing.assert_allclose(counts.mean(axis=0), [1.5, 0.5], atol=0.05)


@pytest.mark.parametrize(("count", "promised"), [(44, False), (45, True)])
def test_forty_five_faultless_pairs_promise_95_per_cent(count: int, promised: bool) -> None:
    # 0.95 ** 45 = 0.0994 is the first power at most 0.1.
    pairs = known([*np.linspace(9, 8, count), 0], [1] * count + [0])
    decision = TargetPrecision(0.95, 0.1, 1, starts=1).decide(pairs)
    assert decision.promised is promised
    assert (pairs.scores >= decision.threshold).sum() == (count if promised else 0)
    assert promised or "cannot be promised" in decision.promise


@pytest.mark.parametrize("starts", [1, 3])
def test_the_lowest_threshold_that_passes_scipys_exact_test_is_chosen(starts: int) -> None:
    generator = np.random.default_rng(3)
    labels = (generator.random(900) < 0.5).astype(int)
    pairs = known(generator.normal(3.0 * labels), labels)
    rule = TargetPrecision(0.8, 0.1, None, starts)
    cuts = Cuts.of(pairs.scores)
    places = rule.sequence(cuts.declared)
    first = math.log(0.1 / starts) / math.log(0.8)
    begins = [
        min(at for at, place in enumerate(places) if cuts.declared[place] >= first * 2**number)
        for number in range(starts)
    ]

    def passes(at: int) -> bool:
        level = begins.count(at) * 0.1 / starts + (inherited[at - 1] if at else 0.0)
        above = pairs.scores >= cuts.thresholds[places[at]]
        false = int((labels[above] == 0).sum())
        passed = level > 0 and binomtest(false, int(above.sum()), 0.2, "less").pvalue <= level
        inherited.append(level if passed else 0.0)
        return passed

    inherited: list[float] = []
    passed = [cuts.thresholds[places[at]] for at in range(len(places)) if passes(at)]
    assert 1 < len(passed) < len(places)
    assert rule.decide(pairs).threshold == min(passed)


def test_the_promise_is_kept_for_dependent_pairs_and_only_by_clusters() -> None:
    """Each cluster has 8 pairs of one label and one score; the true precision at t is known."""
    generator = np.random.default_rng(0)
    broken = {(1, 1): 0, (1, 3): 0, (None, 1): 0}
    promised = 0
    for _ in range(150):
        label = (generator.random(100) < 0.5).astype(int)
        score = generator.normal(2.5 * label)
        eight = known(np.repeat(score, 8), np.repeat(label, 8), np.repeat(np.arange(100), 8))
        for limit, starts in broken:
            decision = TargetPrecision(0.9, 0.1, limit, starts).decide(eight)
            right, wrong = norm.sf(decision.threshold, 2.5), norm.sf(decision.threshold)
            promised += (limit, starts) == (1, 1) and decision.promised
            broken[limit, starts] += decision.promised and right / (right + wrong) < 0.9
    assert promised > 75
    unguarded = broken.pop((None, 1))
    # 150 draws at the level 0.1 give at most 28 with probability 0.999.
    assert max(broken.values()) <= binom.ppf(0.999, 150, 0.1) < unguarded


@pytest.mark.parametrize(
    "options", [{"precision": 1.0}, {"delta": 0.0}, {"starts": 0}, {"pairs_per_cluster": 0}]
)
def test_a_target_that_cannot_be_tested_is_refused(options) -> None:
    with pytest.raises(LikewiseError, match=next(iter(options))):
        TargetPrecision(**options)


def test_rare_categories_are_shrunk_and_unseen_ones_have_the_common_threshold() -> None:
    scores = [4, 3, 2, 1, 9, 8, 7, 6, 5]
    labels = [1, 1, 0, 0, 1, 0, 0, 0, 0]
    categories = ["a"] * 4 + ["b"] * 4 + ["c"]
    pairs = known(scores, labels, categories=categories)
    decision = PerCategory(BestF1(), shrinkage=3.0).decide(pairs)
    common = best_threshold(pairs.scores, pairs.labels)
    assert decision.threshold == common
    expected = [(2 * 2.5 + 3 * common) / 5, (1 * 8.5 + 3 * common) / 4]
    asked = np.array(["a", "b", "c", "never seen", ""], dtype=object)
    found = decision.thresholds(asked, 5)
    np.testing.assert_allclose(found, [*expected, common, common, common])
    np.testing.assert_array_equal(decision.thresholds(None, 2), [common, common])


def test_a_category_in_which_nothing_can_be_promised_has_the_common_threshold() -> None:
    labels = [1] * 60 + [0] * 4
    pairs = known(np.linspace(9, 0, 64), labels, categories=["a"] * 50 + ["b"] * 14)
    decision = PerCategory(TargetPrecision(0.9, pairs_per_cluster=1), 0.0).decide(pairs)
    assert math.isfinite(decision.threshold)
    assert decision.by_category == {}


def test_categories_and_clusters_of_pairs() -> None:
    left, right = np.array(["a", None, None], object), np.array(["b", "b", None], object)
    assert pair_categories(left, right).tolist() == ["a", "b", ""]
    # 0-5, 1-5 match, so that 0 and 1 are one cluster; 2 and 3 are alone.
    sides = np.array([0, 1, 2, 3, 0]), np.array([5, 5, 5, 6, 6])
    found = pair_clusters(*sides, np.array([1, 1, 0, 0, 0]))
    assert found[0] == found[1] == found[4]
    assert len(set(found.tolist())) == 3


streams = st.lists(st.tuples(st.floats(-1, 12), st.booleans()), max_size=300)


@given(streams, st.sampled_from([0.05, 0.3]), st.sampled_from([0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_the_adaptive_bound_holds_in_any_stream_at_any_time(stream, step, precision) -> None:
    rule = Adaptive(BestF1(), precision, step)
    decision = rule.decide(known([0, 4, 6, 10], [0, 0, 1, 1]))
    scores = np.array([score for score, _ in stream])
    labels = np.array([int(label) for _, label in stream])
    after, met = rule.trace(decision, scores, labels)
    declared = scores >= met
    count, false = np.cumsum(declared), np.cumsum(declared & (labels == 0))
    assert (false <= (1 - precision) * count + 1 + 1 / step + 1e-9).all()
    if len(stream):
        assert (after.state["declared"], after.state["false"]) == (count[-1], false[-1])
    # Feedback in two parts is the same as at once.
    half = rule.follow(decision, scores[:7], labels[:7])
    assert rule.follow(half, scores[7:], labels[7:]) == after


def test_the_adaptive_threshold_follows_errors_and_comes_down_without_any() -> None:
    rule = Adaptive(BestF1(), 0.9, 0.05)
    start = rule.decide(known([0, 4, 6, 10], [0, 0, 1, 1]))
    raised = rule.follow(start, np.full(8, 7.0), np.zeros(8, int))
    assert raised.threshold > 7.0 > start.threshold
    # Silent, and in credit: pairs that are not declared lower it.
    high = rule.decide(known([0, 4, 6, 10], [0, 0, 0, 1]))
    lowered = rule.follow(high, np.full(400, 5.0), np.ones(400, int))
    assert lowered.threshold <= 5.0 < high.threshold
    with pytest.raises(LikewiseError, match="does not follow feedback"):
        rule.follow(BestF1().decide(known([0, 1], [0, 1])), np.zeros(1), np.zeros(1, int))
    with pytest.raises(LikewiseError, match="labels that are 0 or 1"):
        rule.follow(start, np.zeros(1), np.array([2]))
    with pytest.raises(LikewiseError, match="use threshold=adaptive"):
        BestF1().follow(start, np.zeros(1), np.zeros(1, int))
    with pytest.raises(LikewiseError, match="all validation scores are equal"):
        rule.decide(known([1, 1], [0, 1]))


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1, 2], [0, 0], "hold no matches"),
        ([1, 2], [1, 1], "hold no non-matches"),
        ([], [], "hold no matches"),
        ([1, math.nan], [0, 1], "not a finite number"),
    ],
)
def test_pairs_that_cannot_tell_a_threshold_are_refused(scores, labels, message: str) -> None:
    with pytest.raises(LikewiseError, match=message):
        known(scores, labels)


def test_a_decision_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "threshold.json"
    for decision in (
        Decision(math.inf, "Cannot.", False),
        Decision(0.1, "Can.", True, {"a": 0.3, "": -math.inf}, {"at": 1 / 3}),
    ):
        write_decision(path, decision, rule="Any")
        assert read_decision(path) == decision
    for text, message in (
        ("{", "not valid JSON"),
        ("[]", "holds no threshold"),
        ('{"threshold": 1}', "holds no threshold"),
        (path.read_text().replace("0.1", '"nan"'), "not a number"),
    ):
        path.write_text(text)
        with pytest.raises(LikewiseError, match=message):
            read_decision(path)
    with pytest.raises(LikewiseError, match="does not exist"):
        read_decision(tmp_path / "none.json")
