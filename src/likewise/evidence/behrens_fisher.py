"""The distribution of the sum of two errors, each estimated with few degrees of freedom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special


@dataclass(frozen=True)
class Error:
    """The error of a mean: the sum of two scaled, independent Student's t variables.

    The sum has the Behrens-Fisher distribution. It keeps the level of the test with as few as two
    seeds, while approximations of the degrees of freedom do not.

    Attributes:
        of_seeds, of_units: the two standard errors; at least one is not zero.
        seed_freedom, unit_freedom: degrees of freedom of each standard error.
    """

    of_seeds: float
    of_units: float
    seed_freedom: float
    unit_freedom: float

    @property
    def deviation(self) -> float:
        """The standard error of the sum."""
        return math.hypot(self.of_seeds, self.of_units)

    def beyond(self, value: float) -> float:
        """Return the probability that the error is larger than ``value``."""
        if self.of_units < 1e-2 * self.of_seeds:
            return float(special.stdtr(self.seed_freedom, -value / self.deviation))
        if self.of_seeds < 1e-2 * self.of_units:
            return float(special.stdtr(self.unit_freedom, -value / self.deviation))
        # The mean, over values of the error of units, of the tail of the error of seeds.
        units = self.of_units * _nodes(self.unit_freedom)
        return float(WEIGHTS @ special.stdtr(self.seed_freedom, (units - value) / self.of_seeds))

    def quantile(self, alpha: float) -> float:
        """Return the value that the absolute error exceeds with probability ``alpha``."""
        # Either part exceeds its share of this with half the probability at most.
        fewest = min(self.seed_freedom, self.unit_freedom)
        reach = float(special.stdtrit(fewest, 1 - alpha / 4))
        most = (self.of_seeds + self.of_units) * reach
        return float(
            optimize.brentq(lambda value: 2 * self.beyond(value) - alpha, 0, most, rtol=1e-5)
        )


# Nodes of the standard normal for numerical integration, as close as the sharpest tail above needs.
NORMAL = np.linspace(-8, 8, 801)
WEIGHTS = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()


@lru_cache(maxsize=64)
def _nodes(freedom: float) -> np.ndarray:
    """Student's t at the probabilities of the normal's nodes, so that the weights hold for it."""
    # The lower half and its mirror image: probabilities near 1 have no digits left.
    lower = special.stdtrit(freedom, special.ndtr(NORMAL[: len(NORMAL) // 2]))
    return np.concatenate([lower, [0.0], -lower[::-1]])
