"""The threshold with the greatest expected profit."""

from __future__ import annotations

import math

import numpy as np

from likewise.errors import LikewiseError
from likewise.thresholds.base import Cuts, Decision, KnownPairs, Threshold


class MaxProfit(Threshold):
    """The threshold with the greatest mean profit per validation pair under a cost matrix.

    Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001; its conditions of a reasonable
    matrix are checked. To declare no pair at all, or every pair, are also candidates.

    Args:
        false_match: cost of a pair that is declared a match and is none.
        missed: cost of a match that is not declared.
        true_match: gain from a match that is declared.
        true_rejection: gain from a pair that is none and is not declared.
    """

    def __init__(
        self,
        false_match: float = 1.0,
        missed: float = 1.0,
        true_match: float = 0.0,
        true_rejection: float = 0.0,
    ) -> None:
        if not all(map(math.isfinite, (false_match, missed, true_match, true_rejection))):
            raise LikewiseError("costs and gains of a threshold must be finite numbers")
        if true_match + missed <= 0:
            raise LikewiseError(
                f"with true_match={true_match:g} and missed={missed:g}, declaring a match never "
                "gains anything; true_match + missed must be above 0"
            )
        if true_rejection + false_match <= 0:
            raise LikewiseError(
                f"with true_rejection={true_rejection:g} and false_match={false_match:g}, "
                "rejecting a pair never gains anything; true_rejection + false_match must be "
                "above 0"
            )
        self.false_match, self.missed = false_match, missed
        self.true_match, self.true_rejection = true_match, true_rejection

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``."""
        cuts = Cuts.of(known.scores)
        thresholds = np.append(math.inf, cuts.thresholds)
        declared = np.append(0, cuts.declared)
        hits = np.append(0, np.cumsum(known.labels[cuts.order])[cuts.declared - 1])
        profits = self._profit(hits, declared, int(known.labels.sum()), len(known.labels))
        best = int(profits.argmax())
        return Decision(
            float(thresholds[best]),
            f"The mean profit is {profits[best]:.4g} per validation pair; that of new pairs is "
            "expected to be a little lower, and nothing is guaranteed.",
        )

    def profit(self, declared: np.ndarray, labels: np.ndarray) -> float:
        """Return the mean profit per pair.

        Args:
            declared: bool [m].
            labels: int [m].
        """
        hits = np.array([(declared & (labels == 1)).sum()])
        total = np.array([declared.sum()])
        return float(self._profit(hits, total, int(labels.sum()), len(labels))[0])

    def _profit(
        self, hits: np.ndarray, declared: np.ndarray, matches: int, count: int
    ) -> np.ndarray:
        false, missed = declared - hits, matches - hits
        rejected = count - matches - false
        gains = self.true_match * hits + self.true_rejection * rejected
        return (gains - self.false_match * false - self.missed * missed) / count
