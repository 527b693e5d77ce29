"""Bias, RMSE and coverage of the off-policy estimators on synthetic bandits of known value.

    python scripts/simulate_off_policy.py [REPETITIONS]

The bandits have 5 kinds of contexts and 10 products, so that the value of the evaluated policy is
an exact sum. The log holds 2,000 rounds of a softmax policy; ``gap`` says how far the evaluated
policy, a softmax of true click rates, is from it. Predicted rewards are the mean click rate of each
product, cross-fitted: they ignore the context, so the direct method is biased. Repetitions that an
estimator refuses are counted and left out of its numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from likewise.metrics.direct_method import DirectMethod
from likewise.metrics.doubly_robust import DoublyRobust, ShrunkDoublyRobust, SwitchDoublyRobust
from likewise.metrics.importance_sampling import InversePropensityScore, SelfNormalisedScore
from likewise.metrics.off_policy import LoggedRounds, OffPolicyEstimator, UnsupportedValue

CONTEXTS, PRODUCTS, ROUNDS, FOLDS = 5, 10, 2000, 3
GAPS = {"near": 2.0, "far": 8.0}


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of products, float64 [contexts, products]."""
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def mean_rates(action: np.ndarray, reward: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The mean reward of each product in the other folds, float64 [folds, products]."""
    found = np.empty((FOLDS, PRODUCTS))
    for one in range(FOLDS):
        kept = fold != one
        shown = np.bincount(action[kept], minlength=PRODUCTS)
        prior = reward[kept].mean()
        found[one] = (np.bincount(action[kept], reward[kept], PRODUCTS) + prior) / (shown + 1)
    return found


def draw_log(
    generator: np.random.Generator, rate: np.ndarray, logging: np.ndarray, policy: np.ndarray
) -> LoggedRounds:
    """One log of the policy ``logging``, for the value of ``policy``; all [contexts, products]."""
    context = generator.integers(0, CONTEXTS, ROUNDS)
    ends = logging[context].cumsum(1)
    action = (generator.random(ROUNDS)[:, None] > ends).sum(1).clip(max=PRODUCTS - 1)
    reward = (generator.random(ROUNDS) < rate[context, action]).astype(float)
    fold = generator.permutation(ROUNDS) % FOLDS
    predicted = mean_rates(action, reward, fold)[fold]
    shown = np.bincount(action, minlength=PRODUCTS) > 0
    return LoggedRounds(
        reward,
        logging[context, action],
        policy[context, action],
        predicted[np.arange(ROUNDS), action],
        (policy[context] * predicted).sum(1),
        policy[context] @ ~shown,
    )


def estimators() -> list[OffPolicyEstimator]:
    """Those that are studied, with the options of configs/metrics/off_policy.yaml."""
    return [
        DirectMethod(),
        InversePropensityScore(),
        SelfNormalisedScore(),
        DoublyRobust(),
        SwitchDoublyRobust(),
        ShrunkDoublyRobust(),
    ]


def simulate(gap: float, repetitions: int, seed: int = 0) -> tuple[float, dict[str, np.ndarray]]:
    """The value of the policy, and by estimator its value, low and high, float64 [r, 3].

    A refused repetition is NaN.
    """
    generator = np.random.default_rng(seed)
    rate = generator.uniform(0.02, 0.3, (CONTEXTS, PRODUCTS))
    logging = softmax(generator.normal(0, 0.7, (CONTEXTS, PRODUCTS)))
    policy = softmax(gap * (rate - rate.mean()) / rate.std() / 2)
    found: dict[str, list[Sequence[float]]] = {one.label: [] for one in estimators()}
    for _ in range(repetitions):
        rounds = draw_log(generator, rate, logging, policy)
        for estimator in estimators():
            try:
                interval = estimator.estimate(rounds).interval
                found[estimator.label].append((interval.mean, interval.low, interval.high))
            except UnsupportedValue:
                found[estimator.label].append((np.nan,) * 3)
    value = float((policy * rate).sum(1).mean())
    return value, {name: np.array(rows) for name, rows in found.items()}


def summary(value: float, rows: np.ndarray) -> tuple[float, float, float, int]:
    """Relative bias, relative RMSE, coverage and number of refused repetitions."""
    kept = rows[np.isfinite(rows[:, 0])]
    error = kept[:, 0] / value - 1
    covered = (kept[:, 1] <= value) & (value <= kept[:, 2])
    return error.mean(), np.sqrt((error**2).mean()), covered.mean(), len(rows) - len(kept)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repetitions", type=int, nargs="?", default=1000)
    repetitions = parser.parse_args().repetitions
    print("| gap | value | estimator | bias % | RMSE % | coverage of 95 % | refused |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for name, gap in GAPS.items():
        value, found = simulate(gap, repetitions)
        for estimator, rows in found.items():
            bias, rmse, covered, refused = summary(value, rows)
            print(
                f"| {name} | {value:.4f} | {estimator} | {100 * bias:+.2f} | {100 * rmse:.2f} | "
                f"{100 * covered:.1f} % | {refused} |"
            )


if __name__ == "__main__":
    main()
