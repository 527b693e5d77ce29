"""Labelled pairs of products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.contents import content_numbers
from likewise.data.finding import Finding
from likewise.data.relevance.base import SPLITS, Relevance, Units

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Pairs(Relevance):
    """Pairs of products, each labelled as a match or not.

    Attributes:
        left, right: int64 [m], rows of the catalogue.
        labels: int64 [m], 1 for a match and 0 otherwise.
        splits: rows (int64) of the pairs of ``train``, ``validation`` and ``test``, and of further
            parts of the test such as ``test_without_leaks``.
    """

    left: np.ndarray
    right: np.ndarray
    labels: np.ndarray
    splits: Mapping[str, np.ndarray]

    kind = "labelled pairs"
    advice = "choose data that do, such as data=product_matching"
    used_by = "task=matching with method=pairs"
    unit = "pair"
    columns = ("left", "right", "labels")
    product_columns = ("left", "right")
    shared = "pairs"
    shares_products = True
    one_target = "all training pairs have the same label"

    @cached_property
    def groups(self) -> np.ndarray:
        """int64: ``components`` of the products up to the last one that is in a pair."""
        return self.components(1 + int(max(self.left.max(initial=-1), self.right.max(initial=-1))))

    @property
    def num_groups(self) -> int:
        """The number of groups in ``groups``."""
        return int(self.groups.max(initial=-1)) + 1

    def components(self, count: int) -> np.ndarray:
        """The group of each of ``count`` products, int64: connected components of training matches.

        Labels of other splits are not used; a product without a match is a group of its own.
        """
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        train = self.splits["train"]
        matches = train[self.labels[train] == 1]
        edges = (np.ones(len(matches)), (self.left[matches], self.right[matches]))
        graph = coo_matrix(edges, shape=(count, count))
        return connected_components(graph, directed=False)[1].astype(np.int64)

    def products_of(self, split: str) -> np.ndarray:
        """Rows (int64) of the products in the pairs of a split, ascending."""
        rows = self.splits[split]
        return np.union1d(self.left[rows], self.right[rows])

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        super().check(products)
        self._require(np.isin(self.labels, (0, 1)).all(), "a label is neither 0 nor 1")

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        return [
            (f"{name} pairs", f"{len(rows):,}, {int(self.labels[rows].sum()):,} of them matches")
            for name, rows in self.splits.items()
        ]

    def units(self, split: str) -> Units:
        """Return pairs with their labels and the groups of both products."""
        rows = self.splits[split]
        both = np.stack([self.left[rows], self.right[rows]])
        return Units(both, (self.labels[rows], self.groups[both]))

    def conflicts(self, contents: np.ndarray) -> int:
        """Distinct pairs with contradictory labels, in any split.

        Args:
            contents: see ``leaks``.
        """
        keys = self._keys(contents)
        return len(np.intersect1d(keys[self.labels == 1], keys[self.labels == 0]))

    def repeated(self, contents: np.ndarray) -> int:
        """Distinct pairs that are in more than one of train, validation and test.

        Args:
            contents: see ``leaks``.
        """
        keys = self._keys(contents)
        distinct = [np.unique(keys[self.splits[name]]) for name in SPLITS if name in self.splits]
        return int((np.unique(np.concatenate(distinct), return_counts=True)[1] > 1).sum())

    def unleaked_test(self, contents: np.ndarray) -> np.ndarray:
        """Rows (int64) of the test pairs that are neither in train nor in validation.

        Args:
            contents: see ``leaks``.
        """
        keys = self._keys(contents)
        seen = np.concatenate([keys[self.splits[name]] for name in ("train", "validation")])
        test = self.splits["test"]
        return test[~np.isin(keys[test], seen)]

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """See ``Relevance``."""
        sentences = {}
        for name in (name for name in names if name in self.splits):
            labels = np.unique(self.labels[self.splits[name]])
            if len(labels) < 2:
                what = "no pair" if not len(labels) else f"only pairs labelled {labels[0]}"
                sentences[name] = (
                    f"{name} holds {what}, so it cannot be evaluated; each split needs pairs "
                    "labelled 1 and pairs labelled 0"
                )
        return sentences

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        contents = content_numbers(catalogue)
        if count := self.conflicts(contents):
            sentence = f"{count:,} pairs are labelled both as a match and as no match"
            yield Finding("label conflicts", sentence, spoils=True)
        if count := self.repeated(contents):
            yield Finding("leaks", f"{count:,} pairs are in more than one split")
        for (earlier, later), count in self.leaks(contents).items():
            if count:
                yield Finding(
                    "leaks",
                    f"{count:,} distinct pairs of {later} ({len(self.splits[later]):,} in all) are "
                    f"in {earlier} too",
                    spoils=later == "test",
                )
        yield from super().problems(catalogue)

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        """int64 [m]: equal for two pairs of the same contents, whichever is left."""
        sides = np.sort(np.stack([contents[self.left], contents[self.right]]), axis=0)
        return np.unique(sides, axis=1, return_inverse=True)[1].reshape(-1)
