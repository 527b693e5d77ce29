"""Whether a difference between methods is real: intervals, paired tests and corrections.

A method is run with a few seeds, each scored on the same queries. A difference of means is
uncertain for two reasons: other seeds would have trained other weights, and other products would
have been asked for. Treating every query of every seed as an independent observation forgets the
first, and finds differences between a method and itself; so does a bootstrap of two or three
seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its confidence interval (infinite where one value is all there is)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedTest:
    """A method against a baseline on the same queries.

    Attributes:
        difference: mean score of the method less that of the baseline, with its interval.
        p_value: two-sided, of no difference; NaN where one seed leaves it open.
        effect_size: the difference in units of its standard deviation over seeds (Cohen's d of
            pairs); NaN where one seed leaves it open.
        seeds: pairs of runs that went in.
        seeds_needed: how many, more than these, would find a difference of this size with
            probability ``POWER``; ``None`` where no number would, or far fewer suffice.
    """

    difference: Interval
    p_value: float
    effect_size: float
    seeds: int
    seeds_needed: int | None = None


POWER = 0.8
MOST_SEEDS = 1000


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t-interval of the mean over seeds.

    Args:
        values: one a seed.
        level: of confidence.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, -math.inf, math.inf)
    error = float(stats.sem(values))
    reach = float(stats.t.ppf(0.5 + level / 2, len(values) - 1)) * error
    return Interval(mean, mean - reach, mean + reach)


def paired_test(method: np.ndarray, baseline: np.ndarray, level: float = 0.95) -> PairedTest:
    """Whether a method differs from a baseline, from paired per-query scores.

    The differences d[s, q] are modelled as a mean plus independent effects of seed, of query and
    of both together, as readers and cases are in radiology (Obuchowski and Rockette, "Hypothesis
    testing of diagnostic accuracy for multiple readers and multiple tests", 1995). The error of
    their mean has two parts: that of the seeds, Student's t with seeds - 1 degrees of freedom, and
    that of the queries, normal as there are many. Their sum has the distribution of Behrens and
    Fisher, which keeps its level with as few as two seeds, where approximate degrees of freedom
    do not.

    Args:
        method, baseline: float [seeds, queries], the same queries in the same order, row s of
            both with the same seed; a query that is NaN in one of them is left out.
        level: of the interval.
    """
    differences = np.asarray(method, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    differences = differences[:, np.isfinite(differences).all(axis=0)]
    seeds, queries = differences.shape
    if queries == 0:
        raise ValueError("no query has a score under both methods")
    mean = float(differences.mean())
    if seeds < 2:
        return PairedTest(Interval(mean, -math.inf, math.inf), math.nan, math.nan, seeds)
    of_seeds, of_queries = _variances(differences)
    effect = mean / math.sqrt(of_seeds) if of_seeds else math.copysign(math.inf, mean)
    error = _Error(math.sqrt(of_seeds / seeds), math.sqrt(of_queries), seeds)
    if error.deviation == 0:
        p_value = 0.0 if mean else 1.0
        return PairedTest(Interval(mean, mean, mean), p_value, effect if mean else 0.0, seeds)
    p_value = 2 * error.beyond(abs(mean))
    reach = error.quantile(1 - level)
    needed = None
    # A much smaller p-value stands any correction, and the search for the number takes a while.
    if p_value >= (1 - level) / 50 and mean:
        needed = _seeds_needed(mean, of_seeds, of_queries, seeds, 1 - level)
    return PairedTest(Interval(mean, mean - reach, mean + reach), p_value, effect, seeds, needed)


def _variances(differences: np.ndarray) -> tuple[float, float]:
    """Of one seed's mean, which more seeds divide; and of the mean, which only queries divide."""
    seeds, queries = differences.shape
    mean = differences.mean()
    by_seed = differences.mean(axis=1, keepdims=True)
    by_query = differences.mean(axis=0, keepdims=True)
    of_seeds = float(((by_seed - mean) ** 2).sum() / (seeds - 1))
    if queries < 2:
        return of_seeds, 0.0
    square_queries = seeds * float(((by_query - mean) ** 2).sum() / (queries - 1))
    rest = differences - by_seed - by_query + mean
    square_rest = float((rest**2).sum() / ((seeds - 1) * (queries - 1)))
    return of_seeds, max(square_queries - square_rest, 0.0) / (seeds * queries)


@dataclass(frozen=True)
class _Error:
    """Error of a mean: ``of_seeds`` times Student's t plus ``of_queries`` times a normal."""

    of_seeds: float
    of_queries: float
    seeds: int

    @property
    def deviation(self) -> float:
        return math.hypot(self.of_seeds, self.of_queries)

    def beyond(self, value: float) -> float:
        """Probability of an error larger than ``value``."""
        freedom = self.seeds - 1
        if self.of_queries < 1e-2 * self.of_seeds:
            return float(special.stdtr(freedom, -value / self.deviation))
        if self.of_seeds < 1e-2 * self.of_queries:
            return float(special.ndtr(-value / self.deviation))
        # The mean, over the normal part z, of Student's tail beyond what z leaves.
        left = special.stdtr(freedom, (self.of_queries * NORMAL - value) / self.of_seeds)
        return float(WEIGHTS @ left)

    def quantile(self, alpha: float) -> float:
        """The size that an error exceeds, either way, with probability ``alpha``."""
        most = 2 * self.deviation * float(special.stdtrit(self.seeds - 1, 1 - alpha / 2))
        return float(
            optimize.brentq(lambda value: 2 * self.beyond(value) - alpha, 0, most, rtol=1e-5)
        )


# Nodes of the standard normal for numerical integration, as close as the sharpest tail above needs.
NORMAL = np.linspace(-8, 8, 801)
WEIGHTS = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()


def _seeds_needed(
    mean: float, of_seeds: float, of_queries: float, seeds: int, alpha: float
) -> int | None:
    """Smallest number of seeds whose test has ``POWER`` against a true difference of ``mean``."""

    def power(number: int) -> float:
        error = _Error(math.sqrt(of_seeds / number), math.sqrt(of_queries), number)
        return float(special.ndtr((abs(mean) - error.quantile(alpha)) / error.deviation))

    if power(MOST_SEEDS) < POWER:
        return None
    low, high = seeds, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the chance of any false finding among them.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979. NaN (not tested) stays NaN and is not counted.
    """
    values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = values.copy()
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return [float(value) for value in adjusted]


@dataclass(frozen=True)
class Ranks:
    """Methods ranked over several data sets.

    Attributes:
        mean_ranks: one a method; 1 is best.
        p_value: Friedman's, that all methods rank alike.
        critical_difference: mean ranks closer than this cannot be told apart (Nemenyi).
    """

    mean_ranks: list[float]
    p_value: float
    critical_difference: float


def rank_methods(scores: np.ndarray, alpha: float = 0.05) -> Ranks:
    """Friedman's test and Nemenyi's critical difference.

    Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006.

    Args:
        scores: float [data sets, methods], larger is better; at least 2 data sets and 3 methods.
        alpha: of the critical difference.
    """
    sets, methods = scores.shape
    if sets < 2 or methods < 3:
        raise ValueError(f"ranks need 2 data sets and 3 methods; there are {sets} and {methods}")
    ranks = stats.rankdata(-scores, axis=1)
    p_value = float(stats.friedmanchisquare(*scores.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    difference = quantile * math.sqrt(methods * (methods + 1) / (6 * sets))
    return Ranks([float(rank) for rank in ranks.mean(axis=0)], p_value, difference)
