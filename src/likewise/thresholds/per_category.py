"""A threshold for each category, shrunk to the common one."""

from __future__ import annotations

import math

import numpy as np

from likewise.errors import LikewiseError
from likewise.thresholds.base import Decision, KnownPairs, Threshold


class PerCategory(Threshold):
    """A threshold for each category: w times its own plus 1 - w times the common threshold.

    w = n / (n + ``shrinkage``) for a category with n validation matches, so that rare categories
    stay near the common threshold (the weight of an empirical Bayes mean, with ``shrinkage`` the
    ratio of the variance within a category to that between categories). A category without
    matches or without non-matches, one never seen, and one whose own threshold is infinite have the
    common threshold.

    A promise of ``rule`` does not hold for the shrunk thresholds, so nothing is promised.

    Args:
        rule: the rule that chooses the common threshold and each category's own.
        shrinkage: number of matches at which both have the same weight, at least 0.
    """

    def __init__(self, rule: Threshold, shrinkage: float = 50.0) -> None:
        if not 0 <= shrinkage < math.inf:
            raise LikewiseError(f"threshold.shrinkage={shrinkage} must be 0 or more")
        self.rule, self.shrinkage = rule, shrinkage

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``."""
        if known.categories is None:
            raise LikewiseError(
                "threshold=per_category needs the column category, which these data do not have; "
                "use another threshold, such as threshold=best_f1"
            )
        common = self.rule.decide(known).threshold
        found = {}
        for category in sorted(set(known.categories)):
            rows = known.categories == category
            if len(np.unique(known.labels[rows])) < 2:
                continue
            own = self.rule.decide(known.some(rows)).threshold
            if math.isfinite(own) and math.isfinite(common):
                matches = int(known.labels[rows].sum())
                weight = matches / (matches + self.shrinkage)
                found[category] = weight * own + (1 - weight) * common
        return Decision(common, by_category=found)
