"""The base class of off-policy estimators, what they read and what a log can support.

An estimator tells from the log of one policy what another policy would have earned per round.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from likewise.errors import LikewiseError
from likewise.metrics.base import DescribedMetric
from likewise.metrics.interval import Interval, mean_interval

# Level of the interval of the mean weight: a sound log is refused once in a thousand times.
WEIGHT_LEVEL = 0.999


class UnsupportedValue(LikewiseError):
    """Raised for a value that the log cannot support."""


@dataclass(frozen=True)
class LoggedRounds:
    """Rounds of a log, with what the evaluated policy and a model of rewards say of them.

    Attributes:
        reward: float64 [m].
        propensity: float64 [m], above 0 and at most 1: the probability with which the policy that
            made the log showed the product it showed.
        probability: float64 [m], from 0 to 1: the probability of this product under the evaluated
            policy.
        predicted: float64 [m], the predicted reward of this product. It must not depend on the
            reward of the same round, see ``likewise.policies.rewards``.
        expected: float64 [m], the mean predicted reward of all products under the evaluated policy.
        unsupported: float64 [m], from 0 to 1: the probability with which the evaluated policy shows
            a product that the log never shows at this position.

    Raises:
        LikewiseError: an array has another length, or values that are not possible.
    """

    reward: np.ndarray
    propensity: np.ndarray
    probability: np.ndarray
    predicted: np.ndarray
    expected: np.ndarray
    unsupported: np.ndarray

    def __post_init__(self) -> None:
        """Check lengths and values."""
        for name in (known.name for known in fields(self)):
            values = getattr(self, name)
            if values.shape != (len(self),) or not np.isfinite(values).all():
                raise LikewiseError(
                    f"{name} must hold a finite number for each of the {len(self)} rounds"
                )
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise LikewiseError("a propensity is not above 0 and at most 1")
        for name in ("probability", "unsupported"):
            values = getattr(self, name)
            # Sums of probabilities may exceed 1 by rounding.
            if not ((values >= 0) & (values <= 1 + 1e-6)).all():
                raise LikewiseError(f"{name} must be from 0 to 1 in each round")

    def __len__(self) -> int:
        """The number of rounds."""
        return len(self.reward)

    @property
    def weights(self) -> np.ndarray:
        """The importance weights, float64 [m]."""
        return self.probability / self.propensity


@dataclass(frozen=True)
class Diagnostics:
    """How well a log supports the value of a policy.

    Attributes:
        rounds: number of rounds.
        rewarded: number of rounds with a reward other than 0 and a weight above 0.
        effective_sample_size: (Σ w)² / Σ w² with the importance weights w (Kish, "Survey Sampling",
            1965): as many rounds of the evaluated policy itself would be as informative.
        mean_weight: its expectation is 1 where the log supports the policy and the propensities are
            right; with its 99.9 % interval.
        max_weight: the largest importance weight.
        support: the evaluated policy's probability of products that the log shows at the position.
    """

    rounds: int
    rewarded: int
    effective_sample_size: float
    mean_weight: Interval
    max_weight: float
    support: float


def diagnose(rounds: LoggedRounds) -> Diagnostics:
    """Return the diagnostics of at least one round."""
    weights = rounds.weights
    squares = float((weights**2).sum())
    return Diagnostics(
        rounds=len(rounds),
        rewarded=int(((rounds.reward != 0) & (weights > 0)).sum()),
        effective_sample_size=float(weights.sum()) ** 2 / squares if squares else 0.0,
        mean_weight=mean_interval(weights, WEIGHT_LEVEL),
        max_weight=float(weights.max()),
        support=1.0 - float(rounds.unsupported.mean()),
    )


@dataclass(frozen=True)
class PolicyValue:
    """The estimated reward of a policy per round.

    Attributes:
        value: the estimate.
        interval: its confidence interval over rounds.
        diagnostics: how well the log supports it.
    """

    value: float
    interval: Interval
    diagnostics: Diagnostics


class OffPolicyEstimator(DescribedMetric, ABC):
    """The mean of a term per round; a subclass defines ``terms``.

    The terms are the units of evidence: rounds are independent of each other, and two policies on
    the same log are compared by the difference of their terms.

    Args:
        min_support: refuse a policy that shows products which the log shows with less than this
            probability.
        min_effective_size: refuse a smaller effective sample size.
        min_rewarded: refuse fewer rounds with a reward other than 0 and a weight above 0.

    Attributes:
        weighs: whether it uses importance weights.
        predicts: whether it uses predicted rewards.
    """

    range = (-float("inf"), float("inf"))
    weighs = True
    predicts = True

    def __init__(
        self,
        min_support: float = 0.95,
        min_effective_size: float = 50.0,
        min_rewarded: int = 1,
    ) -> None:
        if not 0 <= min_support <= 1 or min_effective_size < 0 or min_rewarded < 0:
            raise LikewiseError(
                f"min_support={min_support} must be from 0 to 1, and min_effective_size="
                f"{min_effective_size} and min_rewarded={min_rewarded} at least 0"
            )
        self.min_support = min_support
        self.min_effective_size, self.min_rewarded = min_effective_size, min_rewarded

    @abstractmethod
    def terms(self, rounds: LoggedRounds) -> np.ndarray:
        """Return one term per round, float64 [m]; their mean is the estimate."""

    def estimate(self, rounds: LoggedRounds, level: float = 0.95) -> PolicyValue:
        """Return the value of the evaluated policy, its interval and its diagnostics.

        Args:
            level: confidence level of the interval, which is Student's t over rounds.

        Raises:
            UnsupportedValue: the log cannot support a value.
        """
        if not len(rounds):
            raise UnsupportedValue(f"{self.label} needs at least one round of a log")
        diagnostics = diagnose(rounds)
        if reason := self._unsupported(diagnostics):
            raise UnsupportedValue(f"{self.label} is refused: {reason}")
        interval = mean_interval(self.terms(rounds), level)
        return PolicyValue(interval.mean, interval, diagnostics)

    def __call__(self, rounds: LoggedRounds) -> float:
        """Return the value alone; raises as ``estimate`` does."""
        return self.estimate(rounds).value

    def _unsupported(self, found: Diagnostics) -> str:
        """The reason why the log cannot support a value, or an empty text."""
        if found.support < self.min_support:
            return (
                f"the policy shows products that the log shows with a probability of "
                f"{found.support:.3f}, and at least {self.min_support:g} is needed"
            )
        if found.rewarded < self.min_rewarded:
            return (
                f"{found.rewarded} of {found.rounds} rounds have a reward other than 0 and a "
                f"weight above 0, and at least {self.min_rewarded} are needed"
            )
        if not self.weighs:
            return ""
        if found.effective_sample_size < self.min_effective_size:
            return (
                f"the {found.rounds} rounds are worth {found.effective_sample_size:.1f} of the "
                f"policy's own, and at least {self.min_effective_size:g} are needed"
            )
        mean = found.mean_weight
        # Weights that are all equal have an interval without width, up to rounding.
        if not mean.low - 1e-6 <= 1 <= mean.high + 1e-6:
            return (
                f"the mean weight is {mean.mean:.3f} (99.9 % interval {mean.low:.3f} to "
                f"{mean.high:.3f}) and should be 1, so the log lacks what the policy shows or its "
                "propensities are wrong"
            )
        return ""
