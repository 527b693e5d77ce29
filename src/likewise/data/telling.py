"""Splits in which nothing can be told apart, so that training or a score would mean nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from likewise.data.catalogue import SPLITS
from likewise.data.relevance import Pairs


def untellable_groups(splits: Mapping[str, np.ndarray], groups: np.ndarray) -> dict[str, str]:
    """By split, a sentence on what it lacks and what would help; sound splits are left out.

    Args:
        splits: rows (int64) by split.
        groups: int64 [n], -1 where unknown.
    """
    found = {name: groups[rows][groups[rows] >= 0] for name, rows in splits.items()}
    kinds = {name: np.unique(values) for name, values in found.items()}
    together = np.concatenate([*kinds.values(), np.empty(0, np.int64)])
    every = np.unique(groups[groups >= 0])
    drawn = sum(len(chosen) > 0 for chosen in kinds.values()) > 1
    apart = drawn and len(every) > 1 and len(np.unique(together)) == len(together)
    sentences = {}
    for name, values in found.items():
        count = len(kinds[name])
        largest = int(np.bincount(values).max(initial=0)) if count else 0
        if count >= 2 and largest >= 2:
            continue
        if not len(splits[name]):
            what = "no product"
        elif not count:
            what = "no product of a known group"
        elif count == 1 and largest > 1:
            what = "products of one group only"
        else:
            what = f"{count:,} group{'s' if count > 1 else ''}, none with two products"
        sentences[name] = f"{name} holds {what}, so it can tell nothing{_advice(groups, apart)}"
    return sentences


def untellable_pairs(pairs: Pairs) -> dict[str, str]:
    """By split, a sentence on what its pairs lack; sound splits are left out."""
    sentences = {}
    for name in SPLITS:
        rows = pairs.splits[name]
        labels = np.unique(pairs.labels[rows])
        if len(labels) < 2:
            what = "no pair" if not len(labels) else f"only pairs labelled {labels[0]}"
            sentences[name] = (
                f"{name} holds {what}, so it can tell nothing; each split needs pairs labelled 1 "
                "and pairs labelled 0"
            )
    return sentences


def _advice(groups: np.ndarray, apart: bool) -> str:
    known = groups[groups >= 0]
    if len(np.unique(known)) < 2:
        return "; at least 2 groups are needed"
    if np.bincount(known).max() < 2:
        return "; no group has two products anywhere, so the groups may come from a wrong column"
    if apart:
        return (
            f" (the {len(np.unique(known)):,} groups were kept whole); data.split_by=product puts "
            "products of every group into each split that is drawn"
        )
    return "; put more products there, or let the splits be drawn"
