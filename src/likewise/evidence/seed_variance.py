"""The variance of a method over seeds, moderated by the other methods of a study.

Three seeds estimate a variance from two degrees of freedom, which is why Student's t asks for a
difference of 4.3 standard errors. The methods of a study are trained alike, so their variances
inform each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# The degrees of freedom that the other methods contribute: about one more seed. Smyth estimates
# this number from the spread of the variances. With the few methods of a study, that estimate is
# too uncertain, and the test then rejects too often (scripts/simulate_evidence.py shows it).
PRIOR_FREEDOM = 1.0
# The least number of methods for pooling.
FEWEST_METHODS = 3
# Degrees of freedom without the best-known method; three methods of two seeds, which have 2, were
# found to err a little too often where their variances differ a lot.
FEWEST_FREEDOM = 3.0
# Variances of scores below this are rounding errors: the method does not depend on its seed.
ZERO = 1e-18


@dataclass(frozen=True)
class SeedVariance:
    """The variance of the difference between two methods for one seed, with degrees of freedom."""

    variance: float
    freedom: float


@dataclass(frozen=True)
class _Known:
    own: float
    moderated: float
    freedom: float


@dataclass(frozen=True)
class PooledSeeds:
    """The moderated seed variances of a study's methods.

    Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
    microarray experiments", 2004, replaces a variance s² of d degrees of freedom by

        (d0 s0² + d s²) / (d0 + d)  with d0 + d degrees of freedom,

    where s0² is typical of all. Three choices keep the level here, with few methods and where their
    variances differ a lot: d0 is ``PRIOR_FREEDOM``, s0² is the arithmetic mean (Smyth's is closer
    to the geometric mean, which is smaller), and a method's variance is never lowered.
    """

    known: Mapping[str, _Known]
    most_freedom: float

    def difference(self, method: str, reference: str) -> SeedVariance | None:
        """Return the variance of the difference of two methods; ``None`` if one was not pooled.

        Degrees of freedom after Satterthwaite, "An approximate distribution of estimates of
        variance components", 1946, from the methods' own variances, so that one method that varies
        much more than the other counts alone; and no more than the pool has without its
        best-known method.
        """
        if method not in self.known or reference not in self.known:
            return None
        pair = self.known[method], self.known[reference]
        own = sum(one.own for one in pair)
        if own == 0:
            return SeedVariance(0.0, self.most_freedom)
        spread = sum(one.own**2 / one.freedom for one in pair)
        freedom = min(own**2 / spread, self.most_freedom)
        return SeedVariance(sum(one.moderated for one in pair), freedom)


def pool_seeds(means: Mapping[str, Sequence[float]]) -> PooledSeeds | None:
    """Moderate the variances over seeds.

    Args:
        means: the mean score of each seed, by method.

    Returns:
        ``None`` where fewer than ``FEWEST_METHODS`` have two seeds and depend on them, or they have
        fewer than ``FEWEST_FREEDOM`` degrees of freedom. Methods with one seed are left out; those
        that do not depend on it are in, with a variance of 0.
    """
    own = {
        name: (float(np.var(scores, ddof=1)), len(scores) - 1.0)
        for name, scores in means.items()
        if len(scores) > 1 and np.isfinite(scores).all()
    }
    varying = [value for value in own.values() if value[0] > ZERO]
    if len(varying) < FEWEST_METHODS:
        return None
    freedoms = [freedom for _, freedom in varying]
    total = sum(freedoms)
    if total - max(freedoms) < FEWEST_FREEDOM:
        return None
    typical = sum(variance * freedom for variance, freedom in varying) / total
    known = {}
    for name, (variance, freedom) in own.items():
        if variance <= ZERO:
            known[name] = _Known(0.0, 0.0, freedom)
            continue
        moderated = PRIOR_FREEDOM * typical + freedom * variance
        moderated /= PRIOR_FREEDOM + freedom
        known[name] = _Known(variance, max(variance, moderated), PRIOR_FREEDOM + freedom)
    return PooledSeeds(known, total - max(freedoms))
