"""Stratified draws: a validation part, and stated subsets of a split; splits by group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from likewise.data.relevance.base import SPLITS
from likewise.errors import LikewiseError


def first_splits(product: np.ndarray, split: np.ndarray) -> dict[str, np.ndarray]:
    """Put each product into the first split that has a judgement of it.

    Args:
        product: int64 [m], the product of each judgement.
        split: str [m], the split of each judgement.

    Returns:
        int64 products of ``train``, ``validation`` and ``test``, ascending.
    """
    splits: dict[str, np.ndarray] = {}
    taken = np.zeros(0, np.int64)
    for name in SPLITS:
        splits[name] = np.setdiff1d(product[split == name], taken)
        taken = np.union1d(taken, splits[name])
    return splits


def stratified_sample(groups: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Draw ``size`` products, from every group in proportion to its size.

    Args:
        groups: int64 [n].
        size: number of products to draw, at most n.
        seed: seed of the random draw.

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


def group_split(
    groups: np.ndarray, shares: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Draw splits that share no group, with about the given shares of the rows.

    The groups are drawn in random order and the rows in this order cut by the shares; a group that
    a cut falls into goes to the side that its middle is on. The larger the groups, the further the
    splits may be from their shares.

    Args:
        groups: int64 [n]; each row of group -1 (unknown) counts as a group of its own.
        shares: shares by name of the split; each is above 0 and they sum to 1.
        seed: seed of the random draw.

    Returns:
        int64 rows of each split, ascending.

    Raises:
        LikewiseError: if the shares are not valid, or if a split would have no row.
    """
    rows = whole_groups(groups, shares, seed)
    if empty := [name for name in rows if not len(rows[name])]:
        count = len(np.unique(groups[groups >= 0])) + int((groups < 0).sum())
        raise LikewiseError(
            f"{count} groups of {len(groups)} rows leave the split {empty[0]} without any; "
            "give it a larger share or use another seed"
        )
    return rows


def whole_groups(
    groups: np.ndarray, shares: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Draw splits like ``group_split``, but allow splits without any row."""
    if min(shares.values(), default=0) <= 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise LikewiseError(f"the shares {dict(shares)} of a split must be above 0 and sum to 1")
    alone = groups.max(initial=0) + 1 + np.arange(len(groups))
    _, group, sizes = np.unique(
        np.where(groups < 0, alone, groups), return_inverse=True, return_counts=True
    )
    order = np.random.default_rng(seed).permutation(len(sizes))
    middles = np.empty(len(sizes))
    middles[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    cuts = np.cumsum([*shares.values()])[:-1] * len(groups)
    split = np.searchsorted(cuts, middles, side="right")[group]
    return {name: np.flatnonzero(split == number) for number, name in enumerate(shares)}
