"""The lowest threshold whose precision is guaranteed in finite samples."""

from __future__ import annotations

import math

import numpy as np

from likewise.errors import LikewiseError
from likewise.thresholds.base import Cuts, Decision, KnownPairs, Threshold

# Neighbouring tests are this factor of declared clusters apart, and starts are a factor of 2.
SPACING = 1.05


class TargetPrecision(Threshold):
    """A precision that is kept with probability at least 1 - ``delta``, or "cannot be promised".

    Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052) by fixed-sequence testing with
    several starts (its Algorithm 1): for each threshold, the hypothesis "the precision is below the
    target" has an exact binomial p-value on one declared pair of each cluster. Tests go from high
    thresholds to low ones and stop at the first that fails; the lowest threshold that passed from
    any start is chosen. Which thresholds are tested is fixed by numbers of declared clusters, never
    by labels.

    **What is promised.** With probability at least 1 - delta over the draw of validation clusters,
    the expected precision of new pairs is at least the target, where each cluster with a declared
    pair counts once: the mean over such clusters of the share of right pairs among those declared.
    Where a cluster has at most one declared pair this is the usual precision.

    **What is assumed.** Clusters of validation and of later pairs are independent draws from one
    distribution (no drift, no leak between splits), and precision does not rise where the threshold
    is lowered. Pairs of different clusters that share their right product count as independent.

    Args:
        precision: the target, between 0 and 1.
        delta: the probability with which the promise may fail, between 0 and 1.
        by_cluster: false takes all pairs as independent, which is right only for pairs that were
            drawn one by one.
        starts: the number of starts, each tested at level delta / starts. One start needs fewer
            pairs, and a single false match near the top ends it; more starts survive that.
        seed: of the draw of one pair per cluster.
    """

    def __init__(
        self,
        precision: float = 0.95,
        delta: float = 0.1,
        by_cluster: bool = True,
        starts: int = 2,
        seed: int = 0,
    ) -> None:
        for name, value in (("precision", precision), ("delta", delta)):
            if not 0 < value < 1:
                raise LikewiseError(f"threshold.{name}={value} must be between 0 and 1")
        if starts < 1:
            raise LikewiseError(f"threshold.starts={starts} must be at least 1")
        self.precision, self.delta, self.starts = precision, delta, starts
        self.by_cluster, self.seed = by_cluster, seed

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``."""
        cuts = Cuts.of(known.scores)
        clusters = known.clusters if self.by_cluster else np.arange(len(known.labels))
        declared, false = drawn_counts(cuts, known.labels, clusters, self.seed)
        passed = self._passed(declared, false)
        what = f"precision {self.precision:g}"
        if passed is None:
            return Decision(
                math.inf,
                f"Precision {self.precision:g} cannot be promised at delta {self.delta:g}: no "
                f"threshold passed the test on {declared[-1]:,} clusters with "
                f"{known.labels.sum():,} matches, so no pair is declared a match.",
            )
        kind = "clusters, each counted once" if self.by_cluster else "pairs"
        return Decision(
            float(cuts.thresholds[passed]),
            f"With probability at least {1 - self.delta:g} over the draw of the validation "
            f"{kind}, new pairs of the same distribution have an expected {what} or more.",
            promised=True,
        )

    def _passed(self, declared: np.ndarray, false: np.ndarray) -> int | None:
        """Return the position of the lowest threshold that passed; ``None`` if none did."""
        from scipy.stats import binom

        level = self.delta / self.starts
        # With fewer declared clusters not even a faultless threshold could pass.
        first = math.ceil(math.log(level) / math.log(self.precision))
        best = None
        for start in range(self.starts):
            size = first * 2.0**start
            while size <= declared[-1]:
                place = int(np.searchsorted(declared, math.ceil(size)))
                p_value = binom.cdf(false[place], declared[place], 1 - self.precision)
                if p_value > level:
                    break
                best = place if best is None else max(best, place)
                size = max(size * SPACING, declared[place] + 1.0)
        return best


def drawn_counts(
    cuts: Cuts, labels: np.ndarray, clusters: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many clusters have a declared pair, and of how many the drawn one is false.

    Every pair has a random priority, and a cluster's draw at a threshold is its declared pair of
    highest priority: a uniform draw at each threshold.

    Returns:
        Two int64 [c], one value per cut.
    """
    priority = np.random.default_rng(seed).permutation(len(labels))
    drawn: dict[int, int] = {}
    false = 0
    found = np.empty((2, len(labels)), np.int64)
    for place, row in enumerate(cuts.order.tolist()):
        cluster = int(clusters[row])
        before = drawn.get(cluster)
        if before is None or priority[row] < priority[before]:
            false += int(labels[row] == 0) - int(before is not None and labels[before] == 0)
            drawn[cluster] = row
        found[:, place] = len(drawn), false
    declared, wrong = found[:, cuts.declared - 1]
    return declared, wrong
