"""Intervals, paired tests and corrections for differences between methods.

A method is run with a few seeds, each scored on the same test units: queries, or pairs. A
difference of means is uncertain for two reasons: other seeds would have trained other weights, and
other products would have been asked for. Treating every query of every seed as an independent
observation forgets the first, and finds differences between a method and itself; so does a
bootstrap of two or three seeds. Treating queries of one group as independent of each other forgets
half of the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from likewise.evidence.behrens_fisher import Error
from likewise.evidence.clusters import Clusters
from likewise.evidence.seed_variance import SeedVariance
from likewise.metrics.interval import Interval


@dataclass(frozen=True)
class PairedTest:
    """The test of a method against a baseline on the same test units.

    Attributes:
        difference: mean score of the method less that of the baseline, with its interval.
        p_value: two-sided p-value of the hypothesis of no difference; NaN with a single seed.
        effect_size: the difference in units of its standard deviation over seeds (Cohen's d);
            NaN with a single seed.
        seeds: number of pairs of runs.
        seeds_needed: number of seeds that would find a difference of this size with probability
            ``POWER``; ``None`` if no number would, or if far fewer suffice.
    """

    difference: Interval
    p_value: float
    effect_size: float
    seeds: int
    seeds_needed: int | None = None


POWER = 0.8
MOST_SEEDS = 1000


def paired_test(
    method: np.ndarray,
    baseline: np.ndarray,
    level: float = 0.95,
    clusters: Sequence[np.ndarray] = (),
    seed_variance: SeedVariance | None = None,
    count_seeds: bool = True,
) -> PairedTest:
    """Test whether a method differs from a baseline, with paired scores of test units.

    The differences d[s, q] are modelled as a mean plus independent effects of seed, of unit and
    of both together, as readers and cases are in radiology (Obuchowski and Rockette, "Hypothesis
    testing of diagnostic accuracy for multiple readers and multiple tests", 1995). The error of
    their mean has two parts. That of the seeds is Student's t with seeds - 1 degrees of freedom, or
    those of the pooled variance. That of the units is Student's t with clusters - 1: units of one
    cluster may depend on each other. See ``behrens_fisher.Error`` for their sum.

    Args:
        method, baseline: float [seeds, units], the same units in the same order, row s of both
            with the same seed; a unit that is NaN in one of them is left out.
        level: confidence level of the interval.
        clusters: one or two int64 [units], see ``Clusters``; without, units are independent.
        seed_variance: variance of the difference for one seed, if a better estimate than that of
            these differences is known; see ``PooledSeeds``.
        count_seeds: compute ``seeds_needed``, which takes most of the time.

    Raises:
        ValueError: no unit has a score under both methods.
    """
    differences = np.asarray(method, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)
    kept = np.isfinite(differences).all(axis=0)
    differences = differences[:, kept]
    seeds, units = differences.shape
    if units == 0:
        raise ValueError("no query has a score under both methods")
    mean = float(differences.mean())
    unknown = Interval(mean, -math.inf, math.inf)
    if seeds < 2:
        return PairedTest(unknown, math.nan, math.nan, seeds)
    if seed_variance is None:
        seed_variance = SeedVariance(float(differences.mean(axis=1).var(ddof=1)), seeds - 1)
    of_seeds = seed_variance.variance
    effect = mean / math.sqrt(of_seeds) if of_seeds else math.copysign(math.inf, mean)
    belongs = Clusters(tuple(one[kept] for one in clusters) or Clusters.independent(units).numbers)
    of_units = _unit_variance(differences, belongs)
    if of_units == 0 and of_seeds == 0:
        p_value = 0.0 if mean else 1.0
        return PairedTest(Interval(mean, mean, mean), p_value, effect if mean else 0.0, seeds)
    # From about one cluster, nothing can be inferred about others.
    if not math.isfinite(of_units) or belongs.effective <= 1.01:
        return PairedTest(unknown, 1.0, effect, seeds)
    error = Error(
        math.sqrt(of_seeds / seeds),
        math.sqrt(of_units),
        seed_variance.freedom,
        belongs.effective - 1,
    )
    p_value = 2 * error.beyond(abs(mean))
    reach = error.quantile(1 - level)
    needed = None
    # A much smaller p-value stands any correction, and the search for the number takes a while.
    if count_seeds and mean and p_value >= (1 - level) / 50:
        needed = _seeds_needed(mean, error, seeds, 1 - level)
    return PairedTest(Interval(mean, mean - reach, mean + reach), p_value, effect, seeds, needed)


def score_interval(
    scores: np.ndarray, level: float = 0.95, clusters: Sequence[np.ndarray] = ()
) -> Interval:
    """Return the interval of a method's mean score, over seeds and over test units.

    Args:
        scores: float [seeds, units]; a unit that is NaN for one seed is left out.
        level, clusters: see ``paired_test``.
    """
    return paired_test(scores, np.zeros_like(scores), level, clusters, count_seeds=False).difference


def _unit_variance(differences: np.ndarray, clusters: Clusters) -> float:
    """Return the variance of the mean over draws of units, which more seeds do not reduce.

    The variance of means over seeds holds, besides, 1/seeds of the interaction of seed and unit,
    which the variance over seeds holds already: it is estimated from what an additive model leaves,
    and taken off, as the expected mean squares of the analysis of variance say.
    """
    seeds = len(differences)
    by_unit = differences.mean(axis=0)
    left = differences - differences.mean(axis=1, keepdims=True) - by_unit + differences.mean()

    def estimate(clusters: Clusters) -> float:
        whole = clusters.variance(by_unit)
        if not math.isfinite(whole):
            return whole
        return whole - sum(clusters.variance(row) for row in left) / (seeds * (seeds - 1))

    # Clusters add variance; where the estimate says otherwise, that is its own error.
    independent = estimate(Clusters.independent(clusters.units))
    return max(estimate(clusters), independent, 0.0)


def _seeds_needed(mean: float, error: Error, seeds: int, alpha: float) -> int | None:
    """Return the smallest number of seeds with ``POWER`` against a true difference of ``mean``."""

    def power(number: int) -> float:
        # Every further seed adds a degree of freedom, at least.
        more = Error(
            error.of_seeds * math.sqrt(seeds / number),
            error.of_units,
            error.seed_freedom + number - seeds,
            error.unit_freedom,
        )
        return float(special.ndtr((abs(mean) - more.quantile(alpha)) / more.deviation))

    if power(MOST_SEEDS) < POWER:
        return None
    low, high = seeds, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values by Holm's method, which bounds the probability of any false finding.

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
        mean_ranks: the mean rank of each method; 1 is best.
        p_value: p-value of Friedman's test that all methods have equal ranks.
        critical_difference: smaller differences of mean ranks are not significant (Nemenyi).
    """

    mean_ranks: list[float]
    p_value: float
    critical_difference: float


def rank_methods(scores: np.ndarray, alpha: float = 0.05) -> Ranks:
    """Rank methods, with Friedman's test and Nemenyi's critical difference.

    Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006.

    Args:
        scores: float [data sets, methods], larger is better; at least 2 data sets and 3 methods.
        alpha: level of the critical difference.
    """
    sets, methods = scores.shape
    if sets < 2 or methods < 3:
        raise ValueError(f"ranks need 2 data sets and 3 methods; there are {sets} and {methods}")
    ranks = stats.rankdata(-scores, axis=1)
    p_value = float(stats.friedmanchisquare(*scores.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    difference = quantile * math.sqrt(methods * (methods + 1) / (6 * sets))
    return Ranks([float(rank) for rank in ranks.mean(axis=0)], p_value, difference)
