"""Metrics of what is recommended, whether or not people then had it."""

from __future__ import annotations

import numpy as np

from likewise.metrics.recommendation import RecommendationMetric, Recommended


class CoverageAtK(RecommendationMetric):
    """The share of the catalogue that stands among the first k of anybody.

    It is of all people together and has no value for one of them, so it has no interval.
    """

    def __init__(self, k: int) -> None:
        self.k, self.label, self.depth = k, f"coverage@{k}", k

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``; NaN for everybody."""
        return np.full(len(recommended.top), np.nan)

    def __call__(self, recommended: Recommended) -> float:
        """See ``RecommendationMetric``."""
        shown = np.unique(recommended.top[:, : self.k])
        return len(shown) / len(recommended.popularity)


class NoveltyAtK(RecommendationMetric):
    """Mean over the first k of the bits -log2 p, p the share of training people who had a product.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS
    2010. A product that nobody had counts as if one in twice as many people had.
    """

    range = (0.0, float("inf"))

    def __init__(self, k: int) -> None:
        self.k, self.label, self.depth = k, f"novelty@{k}", k

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        shares = recommended.popularity
        known = shares[shares > 0]
        rarest = known.min() / 2 if len(known) else 1.0
        bits = -np.log2(np.maximum(shares, rarest))
        return bits[recommended.top[:, : self.k]].mean(1)


class PopularityBiasAtK(RecommendationMetric):
    """Mean over the first k of the share of training people who had a product.

    Average recommendation popularity: Yin, Cui, Li, Yao and Chen, "Challenging the Long Tail
    Recommendation", VLDB 2012.
    """

    higher_is_better = False

    def __init__(self, k: int) -> None:
        self.k, self.label, self.depth = k, f"popularity@{k}", k

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        return recommended.popularity[recommended.top[:, : self.k]].mean(1)


class DiversityAtK(RecommendationMetric):
    """1 - the mean Jaccard similarity of the properties of two of the first k products.

    Intra-list diversity: Ziegler, McNee, Konstan and Lausen, "Improving Recommendation Lists
    Through Topic Diversification", WWW 2005. Two products of which no property is known are taken
    to differ; where none is known of any product, the value is NaN.
    """

    def __init__(self, k: int) -> None:
        self.k, self.label, self.depth = k, f"diversity@{k}", k

    def per_person(self, recommended: Recommended) -> np.ndarray:
        """See ``RecommendationMetric``."""
        properties, top = recommended.properties, recommended.top[:, : self.k]
        people, k = top.shape
        if not properties.nnz or k < 2:
            return np.full(people, np.nan)
        sizes = np.asarray(properties.sum(1)).ravel()
        alike = np.zeros(people)
        for one in range(k):
            left = properties[top[:, one]]
            for other in range(one + 1, k):
                shared = np.asarray(left.multiply(properties[top[:, other]]).sum(1)).ravel()
                either = sizes[top[:, one]] + sizes[top[:, other]] - shared
                alike += np.divide(shared, either, out=np.zeros(people), where=either > 0)
        return 1 - alike / (k * (k - 1) / 2)
