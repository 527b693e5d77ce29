"""What a threshold rule is, what it learns from, and what it decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from likewise.errors import LikewiseError


@dataclass(frozen=True)
class KnownPairs:
    """The labelled validation pairs from which a threshold is chosen.

    Attributes:
        scores: float64 [m], larger for more similar.
        labels: int64 [m], 1 for a match and 0 otherwise.
        clusters: int64 [m]; pairs of one cluster depend on each other, pairs of different clusters
            are independent. See ``pair_clusters``.
        categories: object [m], the category of each pair; ``None`` where the data have none.

    Raises:
        LikewiseError: a score is not finite, or all pairs have the same label.
    """

    scores: np.ndarray
    labels: np.ndarray
    clusters: np.ndarray
    categories: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.scores).all():
            raise LikewiseError(
                "a validation score is not a finite number, so no threshold can be chosen; train "
                "the run again with a lower learning rate"
            )
        if len(np.unique(self.labels)) < 2:
            lacking = "non-matches" if len(self.labels) and self.labels.all() else "matches"
            raise LikewiseError(
                f"the validation pairs hold no {lacking}; a threshold needs pairs labelled 1 and "
                "pairs labelled 0"
            )

    def some(self, rows: np.ndarray) -> KnownPairs:
        """Select the pairs ``rows``, int64 or bool."""
        categories = None if self.categories is None else self.categories[rows]
        return KnownPairs(self.scores[rows], self.labels[rows], self.clusters[rows], categories)


@dataclass(frozen=True)
class Decision:
    """A chosen threshold.

    Attributes:
        threshold: pairs with at least this score are matches; infinity if no pair is.
        promise: sentences on what is guaranteed; empty if nothing is.
        promised: whether what was asked for could be promised.
        by_category: thresholds of single categories; all others have ``threshold``.
        state: what a rule that follows feedback needs in order to go on.
    """

    threshold: float
    promise: str = ""
    promised: bool = False
    by_category: Mapping[str, float] = field(default_factory=dict)
    state: Mapping[str, float] = field(default_factory=dict)

    def thresholds(self, categories: np.ndarray | None, count: int) -> np.ndarray:
        """Return the threshold of each of ``count`` pairs, float64 [count].

        Args:
            categories: object [count], or ``None``; one never seen has the common threshold.
        """
        if categories is None or not self.by_category:
            return np.full(count, self.threshold)
        return np.array([self.by_category.get(one, self.threshold) for one in categories], float)


class Threshold(ABC):
    """Chooses from which score on a pair is a match; a subclass defines ``decide``."""

    @abstractmethod
    def decide(self, known: KnownPairs) -> Decision:
        """Choose a threshold from validation pairs."""

    def follow(self, decision: Decision, scores: np.ndarray, labels: np.ndarray) -> Decision:
        """Return the decision after feedback: scores (float [m]) and labels (int [m]) in order.

        Raises:
            LikewiseError: the rule does not follow feedback.
        """
        raise LikewiseError(
            f"{type(self).__name__} does not follow feedback; use threshold=adaptive"
        )


@dataclass(frozen=True)
class Cuts:
    """All ways to part pairs by a threshold, the highest threshold first.

    Attributes:
        order: int64 [m], the pairs by descending score.
        declared: int64 [c], the number of pairs at or above each threshold.
        thresholds: float64 [c], each in the middle between two scores; the last one is the
            smallest score.
    """

    order: np.ndarray
    declared: np.ndarray
    thresholds: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> Cuts:
        """Return the cuts between all different scores, float [m]."""
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order].astype(np.float64)
        ends = np.flatnonzero(np.append(ordered[1:] < ordered[:-1], True))
        below = np.append(ordered[ends[:-1] + 1], ordered[-1])
        middle = (ordered[ends] + below) / 2
        # There is no float between two adjacent floats.
        return cls(order, ends + 1, np.where(below < middle, middle, ordered[ends]))


def pair_clusters(left: np.ndarray, right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the offer cluster of each pair, int64 [m]: that of its left product.

    Products that matches connect are one cluster; a product without a match is its own.

    Args:
        left, right: int64 [m], rows of the catalogue.
        labels: int64 [m], 1 for a match.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(max(left.max(initial=-1), right.max(initial=-1))) + 1
    match = labels == 1
    edges = (np.ones(int(match.sum())), (left[match], right[match]))
    graph = coo_matrix(edges, shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)[left]


def pair_categories(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the category of each pair, object [m]: that of its left product, else of its right.

    Args:
        left, right: object [m], texts or ``None``.
    """
    return np.array([a or b or "" for a, b in zip(left, right, strict=True)], dtype=object)
