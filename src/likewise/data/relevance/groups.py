"""Relevance by groups: products of one group are similar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.contents import contents_of
from likewise.data.duplicates import Split, identities
from likewise.data.finding import SHOWN, Finding, describe
from likewise.data.relevance.base import SPLITS, Relevance, Units

if TYPE_CHECKING:
    from datasets import Dataset

NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Groups(Relevance):
    """Products of one group are similar, for example photographs of one article.

    Attributes:
        products: int64 [m], distinct rows of the catalogue: the products whose group is known.
        labels: int64 [m], the group of each product as a position in ``names``.
        names: the names of the groups.
        splits: by the name of the split, places (int64) in ``products``: what is trained on, and
            the queries of a search. A search looks through the other products of its split, or
            through the ``gallery``.
        gallery: int64 [g], rows of the catalogue that queries of any split can be searched in,
            such as the products of a shop where the queries are photographs; empty without one.
            They may be trained on too, since what is searched is given; they are no queries.
    """

    products: np.ndarray
    labels: np.ndarray
    names: Sequence[str]
    splits: Mapping[str, np.ndarray]
    gallery: np.ndarray = field(default_factory=NO_ROWS.copy)

    kind = "groups of products"
    advice = (
        "choose data that do, such as data=grocery_store, or name their column with "
        "data.columns.group"
    )
    used_by = "task=retrieval"
    unit = "product"
    columns = ("products", "labels")
    product_columns = ("products",)
    shared = "groups"
    one_target = "all training products are of one group (at least 2 groups are needed)"

    @classmethod
    def of(
        cls,
        labels: np.ndarray,
        names: Sequence[str],
        splits: Mapping[str, np.ndarray],
        products: np.ndarray | None = None,
        gallery: np.ndarray = NO_ROWS,
    ) -> Groups:
        """Make groups from the splits of the catalogue.

        Args:
            labels: int64 [m].
            splits: rows of the catalogue by split; products without a group are left out.
            products: int64 [m]; by default labels are those of the whole catalogue.
        """
        rows = np.arange(len(labels)) if products is None else products
        order = np.argsort(rows, kind="stable")
        known = {name: chosen[np.isin(chosen, rows)] for name, chosen in splits.items()}
        places = {
            name: order[np.searchsorted(rows, chosen, sorter=order)]
            for name, chosen in known.items()
        }
        return cls(rows, labels.astype(np.int64), names, places, gallery)

    @property
    def num_groups(self) -> int:
        """One more than the largest label."""
        return int(self.labels.max(initial=-1)) + 1

    def rows(self, split: str) -> np.ndarray:
        """Rows (int64) of the catalogue of the products of a split whose group is known."""
        return self.products[self.splits[split]]

    def labels_of(self, split: str) -> np.ndarray:
        """The groups (int64) of the products of a split whose group is known."""
        return self.labels[self.splits[split]]

    def numbers(self, count: int) -> np.ndarray:
        """A number for the group of each of ``count`` products of the catalogue, int64 [count].

        A product whose group is unknown gets a group of its own, with a number after those of
        ``names``, so that it is relevant to no query.
        """
        unknown = np.ones(count, bool)
        unknown[self.products] = False
        numbers = np.empty(count, np.int64)
        numbers[self.products] = self.labels
        numbers[unknown] = len(self.names) + np.arange(unknown.sum())
        return numbers

    def in_gallery(self, split: str) -> bool:
        """Whether the gallery holds a product of a group of the split."""
        labels = self.labels[np.isin(self.products, self.gallery)]
        return bool(np.isin(self.labels_of(split), labels).any())

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        super().check(products)
        self._check_rows("labels", self.labels, len(self.names), "the names")
        self._check_rows("gallery", self.gallery, products, "the catalogue")
        once = len(np.unique(self.products)) == len(self.products)
        self._require(once, "a product has two groups")
        for name in (name for name in SPLITS[1:] if name in self.splits):
            apart = not np.isin(self.rows(name), self.gallery).any()
            self._require(apart, f"a product of {name} is in the gallery too")

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        rows = []
        for name in self.splits:
            counts = np.unique(self.labels_of(name), return_counts=True)[1]
            if len(counts):
                of = f"{len(counts):,} of {counts.min():,} to {counts.max():,} products"
                rows.append((f"{name} groups", of))
        if len(self.gallery):
            train = self.products[self.splits.get("train", NO_ROWS)]
            trained = np.isin(self.gallery, train).sum()
            also = f", of which {trained:,} are in train" if trained else ""
            rows.append(("gallery", f"{len(self.gallery):,} products{also}"))
        return rows

    def without(self, splits: Mapping[str, np.ndarray]) -> Groups:
        """See ``Relevance``."""
        kept = {
            name: places[np.isin(self.products[places], splits[name])]
            for name, places in self.splits.items()
        }
        return replace(self, splits=kept)

    def units(self, split: str) -> Units:
        """Return single products with their groups."""
        return Units(self.rows(split)[None], (self.labels_of(split),))

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """See ``Relevance``."""
        kinds = {name: np.unique(self.labels_of(name)) for name in names if name in self.splits}
        together = np.concatenate([*kinds.values(), NO_ROWS])
        drawn = sum(len(labels) > 0 for labels in kinds.values()) > 1
        several = len(np.unique(self.labels)) > 1
        apart = drawn and several and len(np.unique(together)) == len(together)
        sentences = {}
        for name, labels in kinds.items():
            count = len(labels)
            largest = int(np.bincount(self.labels_of(name)).max(initial=0))
            if count >= 2 and largest >= 2:
                continue
            if not count:
                what = "no product with a group"
            elif count == 1 and largest > 1:
                what = "products of one group only"
            else:
                what = f"{count:,} group{'s' if count > 1 else ''}, none with two products"
            sentences[name] = f"{name} holds {what}, so it cannot be evaluated{self._advice(apart)}"
        return sentences

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        yield from self._conflicts(catalogue)
        yield from super().problems(catalogue)
        lacking = self.untellable()
        for name in (name for name in SPLITS if name in self.splits and name not in lacking):
            labels, counts = np.unique(self.labels_of(name), return_counts=True)
            alone = int((counts == 1).sum())
            order = np.argsort(counts, kind="stable")
            largest, smallest = labels[order[-1]], labels[order[0]]
            yield Finding(
                "balance",
                f"{name}: {len(labels):,} groups of {counts.min():,} to {counts.max():,} products "
                f"(median {np.median(counts):g})"
                + (
                    f"; {alone:,} products are alone in theirs and can find nothing"
                    if alone
                    else ""
                ),
                examples=[
                    f"largest: {self.names[largest]} ({counts.max():,})",
                    f"smallest: {self.names[smallest]} ({counts.min():,})",
                ],
            )

    def _conflicts(self, catalogue: Dataset) -> Iterator[Finding]:
        """Find equal products in different groups."""
        numbers = self.numbers(len(catalogue))
        for modality, contents in contents_of(catalogue, np.arange(len(catalogue))).items():
            equal = Split(np.sort(self.products), identities(contents, len(catalogue)))
            differ = np.flatnonzero(numbers[equal.rows] != numbers[equal.firsts][equal.inverse])
            if not len(differ):
                continue
            pairs = [
                [int(equal.firsts[equal.inverse[place]]), int(equal.rows[place])]
                for place in differ[:SHOWN]
            ]
            # Two products may share a title, but hardly ever a photograph.
            yield Finding(
                "label conflicts",
                f"{len(differ):,} products have the {modality} of a product in another group",
                modality == "image",
                [
                    f"{describe(catalogue, other)}: {self.names[numbers[one]]} / "
                    f"{self.names[numbers[other]]}"
                    for one, other in pairs
                ],
                pairs if modality == "image" else [],
            )

    def unseen(self) -> float:
        """See ``Relevance``: the share of test products whose group is not in training."""
        train, test = (self.splits.get(name, NO_ROWS) for name in ("train", "test"))
        known = np.isin(self.labels[test], self.labels[train])
        return float(1 - known.mean()) if len(test) else 0.0

    def _owners(self) -> np.ndarray:
        return self.labels

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        return self.labels

    def _advice(self, apart: bool) -> str:
        groups, counts = np.unique(self.labels, return_counts=True)
        if len(groups) < 2:
            return "; at least 2 groups are needed"
        if counts.max() < 2:
            return (
                "; no group has two products anywhere, so the groups may come from a wrong column"
            )
        if apart:
            return (
                f" (the {len(groups):,} groups were kept whole); data.split_by=product puts "
                "products of every group into each split that is drawn"
            )
        return "; put more products there, or let the splits be drawn"
