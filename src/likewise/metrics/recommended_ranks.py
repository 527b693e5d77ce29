"""Metrics of where in a recommended list the products stand that a person then had."""

from __future__ import annotations

import numpy as np

from likewise.metrics.recommendation import RecommendationMetric, Recommended


class RecommendationNDCGAtK(RecommendationMetric):
    """The sum of 1 / log2(1 + rank) up to rank k, over what the best order would have.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002, with
    gains 1 for the person's products.
    """

    def __init__(self, k: int) -> None:
        self.k, self.label = k, f"nDCG@{k}"

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        gain = np.where(recommended.rank <= self.k, 1 / np.log2(1.0 + recommended.rank), 0.0)
        best = np.cumsum(1 / np.log2(np.arange(2.0, self.k + 2)))
        ideal = np.concatenate([[np.nan], best])[np.minimum(recommended.wanted, self.k)]
        return recommended.sums(gain) / ideal


class RecommendationMRR(RecommendationMetric):
    """1 / the rank of the first of the person's products, in the whole catalogue."""

    label = "MRR"

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        best = np.zeros(len(recommended.top))
        np.maximum.at(best, recommended.person, 1 / recommended.rank)
        return best


class RecommendationMAPAtK(RecommendationMetric):
    """Mean over a person's products, at most k of them, of the precision at their rank up to k."""

    def __init__(self, k: int) -> None:
        self.k, self.label = k, f"MAP@{k}"

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        order = np.lexsort((recommended.rank, recommended.person))
        person, rank = recommended.person[order], recommended.rank[order]
        wanted = recommended.wanted
        firsts = np.cumsum(wanted) - wanted
        found = np.arange(len(person)) - firsts[person] + 1
        precision = np.where(rank <= self.k, found / rank, 0.0)
        total = np.bincount(person, weights=precision, minlength=len(wanted))
        return total / np.minimum(wanted, self.k)
