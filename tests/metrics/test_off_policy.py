"""Off-policy estimators: a worked example, exact expectations by enumeration, and refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from scipy import stats

from likewise.errors import LikewiseError
from likewise.evidence.statistics import paired_test
from likewise.metrics.direct_method import DirectMethod
from likewise.metrics.doubly_robust import DoublyRobust, ShrunkDoublyRobust, SwitchDoublyRobust
from likewise.metrics.importance_sampling import InversePropensityScore, SelfNormalisedScore
from likewise.metrics.off_policy import (
    LoggedRounds,
    OffPolicyEstimator,
    UnsupportedValue,
    diagnose,
)

CONFIG = Path(__file__).resolve().parents[2] / "configs/metrics/off_policy.yaml"
# Weights 2, 1/2, 1 and 4.
WORKED = LoggedRounds(
    reward=np.array([1.0, 0.0, 1.0, 0.0]),
    propensity=np.array([0.25, 0.5, 0.5, 0.125]),
    probability=np.array([0.5, 0.25, 0.5, 0.5]),
    predicted=np.array([0.5, 0.25, 0.5, 0.25]),
    expected=np.array([0.5, 0.25, 0.75, 0.25]),
    unsupported=np.zeros(4),
)
LENIENT = {"min_effective_size": 0.0}
VALUES = {
    # (1/2 + 1/4 + 3/4 + 1/4) / 4
    DirectMethod(): 0.4375,
    # (2 + 0 + 1 + 0) / 4
    InversePropensityScore(**LENIENT): 0.75,
    # 3 / 7.5
    SelfNormalisedScore(**LENIENT): 0.4,
    # 0.4375 + (2 · 0.5 − 0.5 · 0.25 + 1 · 0.5 − 4 · 0.25) / 4
    DoublyRobust(**LENIENT): 0.53125,
    # Without the last round's correction.
    SwitchDoublyRobust(threshold=2.0, **LENIENT): 0.78125,
    # Weights 4 w / (w² + 4): 1, 8/17, 4/5, 4/5.
    ShrunkDoublyRobust(shrinkage=4.0, **LENIENT): 0.4375 + (0.5 - 2 / 17 + 0.4 - 0.2) / 4,
}


@pytest.mark.parametrize("estimator", VALUES, ids=lambda one: one.label)
def test_worked_example(estimator: OffPolicyEstimator) -> None:
    found = estimator.estimate(WORKED)
    assert found.value == pytest.approx(VALUES[estimator])
    assert estimator.terms(WORKED).mean() == pytest.approx(found.value)
    error = stats.sem(estimator.terms(WORKED))
    reach = stats.t.ppf(0.975, 3) * error
    assert found.interval.low == pytest.approx(found.value - reach)
    assert found.interval.high == pytest.approx(found.value + reach)


def test_diagnostics() -> None:
    found = diagnose(replace(WORKED, unsupported=np.array([0.1, 0.0, 0.3, 0.0])))
    assert (found.rounds, found.rewarded, found.max_weight) == (4, 2, 4.0)
    assert found.effective_sample_size == pytest.approx(7.5**2 / (4 + 0.25 + 1 + 16))
    assert found.mean_weight.mean == pytest.approx(1.875)
    assert found.support == pytest.approx(0.9)


PROBLEMS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(deadline=None, max_examples=25)
@given(PROBLEMS)
def test_unbiased_by_enumeration(generator: np.random.Generator) -> None:
    """The exact expectation over contexts, products and clicks is the value of the policy."""
    contexts, products = 3, 4
    share = generator.dirichlet(np.ones(contexts))
    logging = generator.dirichlet(np.ones(products), contexts)
    policy = generator.dirichlet(np.ones(products), contexts)
    rate = generator.random((contexts, products))
    predicted = generator.random((contexts, products))
    x, a, r = (np.array(one) for one in zip(*product(range(3), range(4), (0, 1)), strict=True))
    chance = share[x] * logging[x, a] * np.where(r == 1, rate[x, a], 1 - rate[x, a])
    expected = (policy * predicted).sum(1)
    rounds = LoggedRounds(
        r.astype(float),
        logging[x, a],
        policy[x, a],
        predicted[x, a],
        expected[x],
        np.zeros(len(x)),
    )
    value = float(share @ (policy * rate).sum(1))
    for estimator in (InversePropensityScore(), DoublyRobust(), SwitchDoublyRobust(np.inf)):
        assert chance @ estimator.terms(rounds) == pytest.approx(value), estimator.label
    assert chance @ DirectMethod().terms(rounds) == pytest.approx(float(share @ expected))
    # With the true click rates as predictions, any weights give the value.
    perfect = replace(rounds, predicted=rate[x, a], expected=np.asarray((policy * rate).sum(1)[x]))
    for estimator in (DirectMethod(), SwitchDoublyRobust(0.5), ShrunkDoublyRobust(1.0)):
        assert chance @ estimator.terms(perfect) == pytest.approx(value), estimator.label


def test_limits_of_the_doubly_robust_family() -> None:
    terms = DoublyRobust().terms(WORKED)
    assert SwitchDoublyRobust(0.0).terms(WORKED) == pytest.approx(WORKED.expected)
    assert SwitchDoublyRobust(np.inf).terms(WORKED) == pytest.approx(terms)
    assert ShrunkDoublyRobust(np.inf).terms(WORKED) == pytest.approx(terms)
    assert ShrunkDoublyRobust(1e-12).terms(WORKED) == pytest.approx(WORKED.expected)


def test_self_normalised_terms_have_the_variance_of_the_ratio() -> None:
    """Their standard error is that of many draws of the estimate."""
    generator = np.random.default_rng(0)
    estimates, errors = [], []
    for _ in range(400):
        logging = generator.choice([0.2, 0.8], 500)
        reward = (generator.random(500) < 0.3 + 0.4 * (logging > 0.5)).astype(float)
        zeros = np.zeros(500)
        rounds = LoggedRounds(reward, logging, np.full(500, 0.2), zeros, zeros, zeros)
        terms = SelfNormalisedScore().terms(rounds)
        estimates.append(terms.mean())
        errors.append(stats.sem(terms))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.1)


def sound(rounds: int = 400) -> LoggedRounds:
    """A uniform log of two products and a policy that prefers the first."""
    generator = np.random.default_rng(1)
    first = np.arange(rounds) % 2 == 0
    reward = (generator.random(rounds) < 0.2).astype(float)
    half, zeros = np.full(rounds, 0.5), np.zeros(rounds)
    return LoggedRounds(reward, half, np.where(first, 0.7, 0.3), half, half, zeros)


def test_terms_feed_the_paired_test() -> None:
    """The evidence on two policies needs nothing but their terms."""
    one = sound()
    other = replace(one, probability=1 - one.probability)
    terms = [InversePropensityScore().terms(rounds) for rounds in (one, other)]
    found = paired_test(*(np.stack([values, values]) for values in terms))
    difference = terms[0] - terms[1]
    assert found.difference.mean == pytest.approx(difference.mean())
    reach = stats.t.ppf(0.975, len(one) - 1) * stats.sem(difference)
    assert found.difference.high - found.difference.mean == pytest.approx(reach, rel=0.01)


REFUSED = {
    "no clicks": ({"reward": np.zeros(400)}, "0 of 400 rounds have a reward other than 0"),
    "no support": ({"unsupported": np.full(400, 0.5)}, "with a probability of 0.500"),
    "few effective rounds": (
        {"probability": np.where(np.arange(400) < 20, 1.0, 0.0)},
        "worth 20.0 of the policy's own",
    ),
    "wrong propensities": ({"propensity": np.full(400, 0.25)}, "mean weight is 2.000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_log_cannot_support_is_refused(name: str) -> None:
    changed, expected = REFUSED[name]
    assert SelfNormalisedScore().estimate(sound()).value > 0
    with pytest.raises(UnsupportedValue, match=expected) as caught:
        SelfNormalisedScore()(replace(sound(), **changed))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("SNIPS is refused: ")


def test_the_direct_method_needs_no_weights() -> None:
    assert DirectMethod()(replace(sound(), propensity=np.full(400, 0.25))) == pytest.approx(0.5)


IMPOSSIBLE = {
    "propensity 0": ({"propensity": np.full(400, 0.0)}, "above 0 and at most 1"),
    "propensity 2": ({"propensity": np.full(400, 2.0)}, "above 0 and at most 1"),
    "probability 2": ({"probability": np.full(400, 2.0)}, "probability must be from 0 to 1"),
    "NaN": ({"predicted": np.full(400, np.nan)}, "predicted must hold a finite number"),
    "length": ({"expected": np.zeros(3)}, "for each of the 400 rounds"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_values_are_refused(name: str) -> None:
    changed, expected = IMPOSSIBLE[name]
    with pytest.raises(LikewiseError, match=expected):
        replace(sound(), **changed)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SwitchDoublyRobust(-1.0), "threshold=-1.0"),
        (lambda: ShrunkDoublyRobust(0.0), "shrinkage=0.0"),
        (lambda: DirectMethod(min_support=2.0), "min_support=2.0"),
    ],
)
def test_impossible_options_are_refused(make, expected: str) -> None:
    with pytest.raises(LikewiseError, match=expected):
        make()


def test_each_estimator_of_the_config() -> None:
    estimators = {name: instantiate(one) for name, one in OmegaConf.load(CONFIG).items()}
    values = {name: one(sound()) for name, one in estimators.items()}
    assert list(values) == ["dm", "ips", "snips", "dr", "switch_dr", "dros"]
    assert all(np.isfinite(value) for value in values.values())
