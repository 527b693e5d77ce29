"""The lowest threshold whose precision is guaranteed in finite samples."""

from __future__ import annotations

import math
from bisect import insort

import numpy as np

from likewise.errors import LikewiseError
from likewise.thresholds.base import Cuts, Decision, KnownPairs, Threshold

# Neighbouring tests have this factor of drawn pairs between them.
SPACING = 1.05


class TargetPrecision(Threshold):
    """A precision that is kept with probability at least 1 - ``delta``, or "cannot be promised".

    Learn then Test (Angelopoulos et al. 2021, arXiv 2110.01052) by fixed-sequence testing: for each
    threshold, the hypothesis "the precision is below the target" has an exact binomial p-value on
    drawn pairs, at most one of a cluster. Tests go from high thresholds to low ones and stop at the
    first that fails; the lowest threshold that passed is chosen. Which thresholds are tested is
    fixed by numbers of drawn pairs, never by labels.

    **What is promised.** With probability at least 1 - ``delta`` over the draw of the validation
    clusters, the expected precision of the declared new pairs is at least the target. In a cluster
    with more than ``pairs_per_cluster`` declared pairs, that many drawn at random count.

    **What is assumed.** Clusters of validation and of later pairs are independent draws from one
    distribution (no drift, no leak between splits), and precision does not rise where the threshold
    is lowered. Pairs of different clusters that share their right product count as independent.

    Args:
        precision: the target, between 0 and 1.
        delta: the probability with which the promise may fail, between 0 and 1.
        pairs_per_cluster: the number of declared pairs of a cluster that count. A pair is drawn
            with probability 1 / ``pairs_per_cluster``, so larger numbers need more pairs; with 1,
            the promise is on the mean precision over clusters. ``None`` takes all pairs as
            independent and draws all, which is right only for pairs that were drawn one by one.
        starts: the number of starts (multi-start in Algorithm 1 of the paper), each with twice the
            pairs of the one before and a level of delta / starts, which the tests take along when
            they pass the next start. One start needs the fewest pairs, but a false match among the
            highest scores ends it; more starts survive that.
        seed: of the draw of pairs.
    """

    def __init__(
        self,
        precision: float = 0.95,
        delta: float = 0.1,
        pairs_per_cluster: int | None = 2,
        starts: int = 3,
        seed: int = 0,
    ) -> None:
        for name, value in (("precision", precision), ("delta", delta)):
            if not 0 < value < 1:
                raise LikewiseError(f"threshold.{name}={value} must be between 0 and 1")
        for name, count in (("pairs_per_cluster", pairs_per_cluster), ("starts", starts)):
            if count is not None and count < 1:
                raise LikewiseError(f"threshold.{name}={count} must be at least 1")
        self.precision, self.delta, self.starts = precision, delta, starts
        self.pairs_per_cluster, self.seed = pairs_per_cluster, seed

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``."""
        cuts = Cuts.of(known.scores)
        if self.pairs_per_cluster is None:
            clusters, limit = np.arange(len(known.labels)), 1
            unit, counted = "pairs", ""
        else:
            clusters, limit = known.clusters, self.pairs_per_cluster
            unit, counted = "clusters", f", of which at most {limit} in a cluster count,"
        drawn, false = drawn_counts(cuts, known.labels, clusters, limit, self.seed)
        passed = self._passed(drawn, false)
        if passed is None:
            return Decision(
                math.inf,
                f"Precision {self.precision:g} cannot be promised at delta {self.delta:g} by "
                f"{len(known.labels):,} pairs with {known.labels.sum():,} matches: no threshold "
                "passed the test, so no pair is declared a match.",
            )
        return Decision(
            float(cuts.thresholds[passed]),
            f"With probability at least {1 - self.delta:g} over the draw of the validation {unit}, "
            f"the expected precision of new declared pairs{counted} is {self.precision:g} or more, "
            "if they are of the same distribution.",
            promised=True,
        )

    def _passed(self, drawn: np.ndarray, false: np.ndarray) -> int | None:
        """Return the position of the lowest threshold that passed; ``None`` if none did."""
        from scipy.stats import binom

        places = self.sequence(drawn)
        sizes = drawn[places]
        starts = np.searchsorted(sizes, self._first() * 2.0 ** np.arange(self.starts))
        best, passing = None, 0
        for at, place in enumerate(places):
            passing += int((starts == at).sum())
            level = passing * self.delta / self.starts
            if passing and binom.cdf(false[place], drawn[place], 1 - self.precision) <= level:
                best = place
            else:
                passing = 0
        return best

    def sequence(self, drawn: np.ndarray) -> list[int]:
        """Return the positions of the cuts that can be tested, in the order of the tests.

        Args:
            drawn: int64 [c], the number of drawn pairs at each cut, ascending.
        """
        size, places = self._first(), []
        while math.ceil(size) <= drawn[-1]:
            place = int(np.searchsorted(drawn, math.ceil(size)))
            places.append(place)
            size = max(size * SPACING, drawn[place] + 1.0)
        return places

    def _first(self) -> float:
        """Return the number of drawn pairs below which not even faultless ones could pass."""
        return math.log(self.delta / self.starts) / math.log(self.precision)


def drawn_counts(
    cuts: Cuts, labels: np.ndarray, clusters: np.ndarray, pairs_per_cluster: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return from how many clusters a declared pair is drawn, and how many of these are false.

    Every pair has a random priority and every cluster a random position below
    ``pairs_per_cluster``; drawn is the declared pair at this position in the order of priority. So
    at each threshold every declared pair, of at most ``pairs_per_cluster`` in a cluster, is drawn
    with the same probability, and at most one of a cluster.

    Returns:
        Two int64 [c], one value per cut.
    """
    generator = np.random.default_rng(seed)
    priority = generator.permutation(len(labels)).tolist()
    position = dict(
        zip(
            np.unique(clusters).tolist(),
            generator.integers(pairs_per_cluster, size=len(np.unique(clusters))).tolist(),
            strict=True,
        )
    )
    rows_by_cluster: dict[int, list[tuple[int, int]]] = {}
    drawn = false = 0
    found = []
    matches, names = labels.tolist(), clusters.tolist()
    for row in cuts.order.tolist():
        cluster = names[row]
        rows, at = rows_by_cluster.setdefault(cluster, []), position[cluster]
        if len(rows) > at:
            false -= int(matches[rows[at][1]] == 0)
        insort(rows, (priority[row], row))
        if len(rows) > at:
            false += int(matches[rows[at][1]] == 0)
            drawn += int(len(rows) == at + 1)
        found.append((drawn, false))
    counts = np.array(found, np.int64)[cuts.declared - 1]
    return counts[:, 0], counts[:, 1]
