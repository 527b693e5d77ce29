"""Hit rate and recall of recommended lists."""

from __future__ import annotations

import numpy as np

from likewise.metrics.recommendation import RecommendationMetric, Recommended


class HitRateAtK(RecommendationMetric):
    """1 for a person of whose products any stands among the first k, else 0."""

    def __init__(self, k: int) -> None:
        self.k, self.label = k, f"HR@{k}"

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        return (recommended.sums(recommended.rank <= self.k) > 0).astype(float)


class RecommendationRecallAtK(RecommendationMetric):
    """The share of a person's products that stand among the first k."""

    def __init__(self, k: int) -> None:
        self.k, self.label = k, f"Recall@{k}"

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        return recommended.sums(recommended.rank <= self.k) / recommended.wanted
