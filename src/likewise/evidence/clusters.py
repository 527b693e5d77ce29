"""The variance of a mean over test units that are not independent.

Queries of one unseen group, pairs that share a product and answers of one user are correlated.
Treating them as independent underestimates the error of their mean and finds differences that do
not exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def number_clusters(columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Number the values of columns, int64; equal values have equal numbers in all columns.

    Args:
        columns: [units] each, of ids of one kind: groups, or the left and the right product.
    """
    _, numbers = np.unique(np.concatenate(columns), return_inverse=True)
    return np.split(numbers.astype(np.int64), len(columns))


@dataclass(frozen=True)
class Clusters:
    """The clusters of each unit; two units are dependent if they share a cluster.

    Attributes:
        numbers: one or two int64 [units] of at least 0, from ``number_clusters``. With two, a unit
            is a pair and its clusters are its two products.
    """

    numbers: tuple[np.ndarray, ...]

    @staticmethod
    def independent(units: int) -> Clusters:
        """Return clusters in which every unit is independent."""
        return Clusters((np.arange(units),))

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.numbers[0])

    @property
    def effective(self) -> float:
        """The effective number of clusters: as many of equal size would be as informative.

        (Σ n)² / Σ n² as for weighted samples (Kish, "Survey Sampling", 1965), with n units
        in a cluster. A pair counts in two clusters, but the numerator sums over pairs.
        """
        sizes = self._sums(np.ones(self.units))
        return self.units**2 / float((sizes**2).sum())

    def variance(self, values: np.ndarray) -> float:
        """Return the variance of the mean of the values over draws of clusters.

        It is the jackknife that leaves out one cluster at a time: with n units, the mean moves by
        u / (1 - n_g / n), where u is the sum over the cluster's units of (value - mean) / n. Such a
        variance keeps its level with few clusters and with unequal ones (MacKinnon, Nielsen and
        Webb, "Fast and reliable jackknife and bootstrap methods for cluster-robust inference",
        Journal of Applied Econometrics 38, 2023: CV3); with clusters of equal size it is the
        variance of cluster means over their number.

        Pairs have two clusters: the squares of both are added, and what a pair shares with itself
        is counted once (Aronow, Samii and Assenova, "Cluster-robust variance estimation for dyadic
        data", Political Analysis 23, 2015; where left and right products are of different
        catalogues it is the two-way variance of Cameron, Gelbach and Miller, 2011).

        Args:
            values: float64 [units].

        Returns:
            The variance; infinity if all units are in one cluster.
        """
        parts = (values - values.mean()) / self.units
        sizes = self._sums(np.ones(self.units))
        if (sizes == self.units).any():
            return math.inf
        present = sizes > 0
        moved = self._sums(parts)[present] / (1 - sizes[present] / self.units)
        count = int(present.sum())
        found = (count - 1) / count * float((moved**2).sum())
        if len(self.numbers) == 2:
            found -= self._twice_counted(parts)
        return found

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sum the values of each cluster; a pair of a product with itself counts once."""
        first = self.numbers[0]
        sums = np.bincount(first, values, minlength=self._most)
        for other in self.numbers[1:]:
            sums = sums + np.bincount(other, values * (other != first), minlength=self._most)
        return sums

    @property
    def _most(self) -> int:
        return 1 + max(int(numbers.max()) for numbers in self.numbers)

    def _twice_counted(self, parts: np.ndarray) -> float:
        """The squared sums of pairs of the same two products, which both clusters count."""
        left, right = self.numbers
        apart = left != right
        same = np.minimum(left, right) * self._most + np.maximum(left, right)
        _, place = np.unique(same[apart], return_inverse=True)
        return float((np.bincount(place, parts[apart]) ** 2).sum()) if apart.any() else 0.0
