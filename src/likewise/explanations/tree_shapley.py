"""Exact Shapley values of sums of decision trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from likewise.matchers.trees import Trees


@dataclass(frozen=True)
class Leaf:
    """A leaf and the splits that lead to it.

    Attributes:
        value: what the leaf adds to a score.
        features: int64 [splits].
        thresholds: float64 [splits].
        left: bool [splits], whether the path goes left, where the feature is at most the threshold.
    """

    value: float
    features: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray

    def allowed(self, rows: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Whether each row passes all splits on each of some features, bool [rows, features]."""
        passed = (rows[:, self.features] <= self.thresholds) == self.left
        return np.stack([passed[:, self.features == one].all(1) for one in features], axis=1)


def leaves(trees: Trees) -> Iterator[Leaf]:
    """Yield every leaf of every tree."""
    names = ("feature", "threshold", "left", "right", "value")
    nodes = [getattr(trees, name).cpu().numpy() for name in names]
    for feature, threshold, left, right, value in zip(*nodes, strict=True):
        waiting: list[tuple[int, list[tuple[int, float, bool]]]] = [(0, [])]
        while waiting:
            node, path = waiting.pop()
            if left[node] == node:
                features, thresholds, sides = zip(*path, strict=True) if path else ((), (), ())
                yield Leaf(
                    float(value[node]),
                    np.array(features, np.int64),
                    np.array(thresholds, np.float64),
                    np.array(sides, bool),
                )
                continue
            split = int(feature[node]), float(threshold[node])
            waiting.append((int(left[node]), [*path, (*split, True)]))
            waiting.append((int(right[node]), [*path, (*split, False)]))


def tree_shapley(trees: Trees, row: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the Shapley values of the features of a row, float64 [k].

    The value of a set of features is the mean score of the reference rows after these features got
    the values of ``row``. The values add up to the score of the row minus the mean score of the
    references. Lundberg et al., "From Local Explanations to Global Understanding with Explainable
    AI for Trees", Nature Machine Intelligence 2020 (interventional TreeSHAP).

    For one reference, a leaf is reached by a set of features if it holds the a features that only
    the row's values let pass, and none of the b that only the reference's do. So each of the a has
    the Shapley value v / (a · C(a + b, a)), and each of the b has -v / (b · C(a + b, b)).

    Args:
        row: float32 [k].
        reference: float32 [n, k].
    """
    # Trees compare float32 values with float64 thresholds.
    rows = np.concatenate([row[None], reference]).astype(np.float32).astype(np.float64)
    found = np.zeros(row.shape[-1])
    for leaf in leaves(trees):
        features = np.unique(leaf.features)
        if not len(features):
            continue
        passed = leaf.allowed(rows, features)
        own, others = passed[0], passed[1:]
        reached = (own | others).all(1)
        only_row, only_other = own & ~others[reached], ~own & others[reached]
        a, b = only_row.sum(1), only_other.sum(1)
        for_row, for_other = _share(a, b), _share(b, a)
        found[features] += leaf.value * (for_row @ only_row - for_other @ only_other)
    return found / len(reference)


def _share(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """1 / (a · C(a + b, a)) of each of two counts, and 0 where a is 0."""
    pairs = zip(own.tolist(), other.tolist(), strict=True)
    return np.array([1 / (a * comb(a + b, a)) if a else 0.0 for a, b in pairs])
