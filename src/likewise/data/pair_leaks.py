"""Labelled pairs of one split that stand in another as well."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.images import has_pixels, image_array
from likewise.data.relevance import Pairs

if TYPE_CHECKING:
    from datasets import Dataset

# The split of the test pairs that stand in no earlier split.
UNLEAKED = "test_without_leaks"


@dataclass(frozen=True)
class PairLeaks:
    """The pairs that splits share; left and right may be swapped.

    Attributes:
        shared: distinct pairs that stand in more than one split.
        conflicting: distinct pairs that are labelled a match once and no match another time, in
            one split or in several.
        pairs: distinct pairs that two splits (earlier, later) share.
    """

    shared: int
    conflicting: int
    pairs: dict[tuple[str, str], int]


def pair_leaks(pairs: Pairs, contents: np.ndarray) -> PairLeaks:
    """Count the pairs that stand in more than one of train, validation and test.

    Args:
        pairs: labelled pairs.
        contents: int64 [n], the content of each product of the catalogue, see
            ``content_numbers``; ``np.arange(n)`` tells products by their rows.
    """
    keys = _pair_numbers(pairs, contents)
    in_split = {name: np.unique(keys[pairs.splits[name]]) for name in SPLITS}
    counts = np.unique(np.concatenate(list(in_split.values())), return_counts=True)[1]
    conflicting = np.intersect1d(keys[pairs.labels == 1], keys[pairs.labels == 0])
    return PairLeaks(
        shared=int((counts > 1).sum()),
        conflicting=len(conflicting),
        pairs={
            (earlier, later): len(np.intersect1d(in_split[earlier], in_split[later]))
            for earlier, later in combinations(SPLITS, 2)
        },
    )


def unleaked_test(pairs: Pairs, contents: np.ndarray) -> np.ndarray:
    """Rows (int64) of the test pairs that stand neither in train nor in validation."""
    keys = _pair_numbers(pairs, contents)
    seen = np.concatenate([keys[pairs.splits[name]] for name in ("train", "validation")])
    test = pairs.splits["test"]
    return test[~np.isin(keys[test], seen)]


def with_unleaked_test(data: ProductData) -> ProductData:
    """The data with the split ``test_without_leaks`` of their labelled pairs.

    It holds the test pairs that stand in no earlier split, whichever side is left. Data without
    labelled pairs are returned as they are.
    """
    pairs = data.pairs
    if pairs is None or not len(pairs.splits.get("test", ())):
        return data
    clean = unleaked_test(pairs, content_numbers(data.catalogue))
    splits = pairs.splits | {UNLEAKED: clean}
    return replace(data, pairs=replace(pairs, splits=splits))


def content_numbers(catalogue: Dataset) -> np.ndarray:
    """int64 [n]: equal for two products that differ in nothing but ``product_id`` and case.

    The same offer often has an id in the left and another in the right table of a benchmark.
    """
    columns = [name for name in catalogue.column_names if name != "product_id"]
    values: list[Iterable[Any]] = []
    if has_pixels(catalogue):
        columns.remove("image")
        values.append(hashlib.sha256(picture).digest() for picture in image_array(catalogue))
    table = catalogue.select_columns(columns).with_format("arrow")[:] if columns else {}
    values += [table[name].to_pylist() for name in columns]
    rows = zip(*values, strict=True)
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(repr(row).lower(), len(numbers)) for row in rows], np.int64)


def _pair_numbers(pairs: Pairs, contents: np.ndarray) -> np.ndarray:
    """int64 [m]: equal for two pairs of the same contents, whichever is left."""
    sides = np.sort(np.stack([contents[pairs.left], contents[pairs.right]]), axis=0)
    return np.unique(sides, axis=1, return_inverse=True)[1].reshape(-1)
