"""Stratified draws: a validation part, and stated subsets of a split."""

from __future__ import annotations

import numpy as np


def stratified_sample(groups: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Row numbers of ``size`` products, every group in proportion to its share.

    Args:
        groups: int64 [n].
        size: how many to draw, at most n.
        seed: of the draw.

    Returns:
        int64 [size], ascending.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(groups))
    # Rank each product within its group, then take the products whose relative rank is smallest:
    # any prefix of that order holds every group in proportion.
    ranked = order[np.argsort(groups[order], kind="stable")]
    _, counts = np.unique(groups, return_counts=True)
    share = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    return np.sort(ranked[np.argsort(share, kind="stable")[:size]])
