"""Normalised discounted cumulative gain of graded products."""

from __future__ import annotations

from typing import Literal

import numpy as np

from likewise.errors import LikewiseError
from likewise.metrics.graded import GradedMetric, GradedRanking

GAINS = ("exponential", "linear")


class GradedNDCGAtK(GradedMetric):
    """nDCG@k: Σ_{i ≤ k} gain(i) / log2(i + 1), divided by the same sum of the best ranking.

    Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", TOIS 2002. Products
    of equal score share the mean of their gains, which is what a random order of them has on
    average (McSherry and Najork, "Computing Information Retrieval Performance Measures Efficiently
    in the Presence of Tied Scores", ECIR 2008). A query without any gain scores NaN.

    Args:
        k: number of ranks that are evaluated.
        gain: with g the grade above that of no gain, ``exponential`` is 2^g - 1 (Burges et al.,
            "Learning to Rank Using Gradient Descent", ICML 2005), and ``linear`` is g.
    """

    def __init__(
        self,
        k: int,
        gain: Literal["exponential", "linear"] = "exponential",
    ) -> None:
        if k < 1:
            raise LikewiseError(f"k={k} must be at least 1")
        if gain not in GAINS:
            raise LikewiseError(f"gain={gain} is unknown; it can be {' or '.join(GAINS)}")
        self.k, self.gain = k, gain
        self.label = f"nDCG@{k}"

    def per_query(self, ranking: GradedRanking) -> np.ndarray:
        """See ``GradedMetric``."""
        gains = np.maximum(ranking.grades - ranking.lowest_grade, 0.0)
        if self.gain == "exponential":
            gains = np.exp2(gains) - 1
        found = _discounted_gain(ranking.query, ranking.scores, gains, self.k)
        best = _discounted_gain(ranking.query, gains, gains, self.k)
        return np.divide(found, best, out=np.full(len(best), np.nan), where=best > 0)


def _discounted_gain(query: np.ndarray, keys: np.ndarray, gains: np.ndarray, k: int) -> np.ndarray:
    """Return the DCG of each query, float64 [q], for the ranking by descending keys."""
    order = np.lexsort((-keys, query))
    query, keys, gains = query[order], keys[order], gains[order]
    places = np.arange(len(query)) - np.searchsorted(query, query) + 1
    discounts = np.where(places <= k, 1 / np.log2(places + 1), 0.0)
    starts = np.ones(len(query), dtype=bool)
    starts[1:] = (query[1:] != query[:-1]) | (keys[1:] != keys[:-1])
    tie = starts.cumsum() - 1
    means = np.bincount(tie, gains) / np.bincount(tie)
    return np.bincount(query, means[tie] * discounts)
