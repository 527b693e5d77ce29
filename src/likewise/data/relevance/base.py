"""What every kind of relevance can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.data.finding import Finding
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Units:
    """What a method learns from: one or more products at a time, and what is known of them.

    Attributes:
        products: int64 [sides, m], rows of the catalogue; one side for single products, two for
            pairs.
        targets: int64 arrays, each [m] or [sides, m]. A batch holds the values of its units,
            flattened. The first is [m] and is what a sampler orders the units by.
    """

    products: np.ndarray
    targets: tuple[np.ndarray, ...]


class Relevance:
    """What is known to be alike; a subclass is a frozen dataclass for one kind of knowledge.

    Its fields are arrays with one value per unit (a product with a group, a pair, a judgement, an
    event), and ``splits``: int64 rows of its own units by the name of the split.

    Attributes:
        kind: its name in sentences, a plural such as ``labelled pairs``.
        advice: what a person can do whose data do not have this kind.
        used_by: the parts of a config that use it, for advice; empty where none does.
        unit: the name of one unit.
        columns: the fields with one value per unit.
        product_columns: those of ``columns`` that hold rows of the catalogue.
        shared: what no two splits should share, a plural that ``leaks`` counts.
        shares_products: whether splits share products by design.
        one_target: a clause for training units that all have the same target.
    """

    kind: ClassVar[str] = "relevance"
    advice: ClassVar[str] = "choose data that have it"
    used_by: ClassVar[str] = ""
    unit: ClassVar[str] = "unit"
    columns: ClassVar[tuple[str, ...]] = ()
    product_columns: ClassVar[tuple[str, ...]] = ()
    shared: ClassVar[str] = "units"
    shares_products: ClassVar[bool] = False
    one_target: ClassVar[str] = "all training units have the same target"
    splits: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        """How many units there are."""
        return len(getattr(self, self.columns[0]))

    @property
    def num_groups(self) -> int:
        """How many groups the targets of ``units`` name; 0 where they name none."""
        return 0

    def check(self, products: int) -> None:
        """Raise ``LikewiseError`` where the arrays do not fit each other or the catalogue.

        Args:
            products: rows of the catalogue.
        """
        size = len(self)
        for name in self.columns:
            self._require(
                np.shape(getattr(self, name)) == (size,),
                f"{name} has the shape {np.shape(getattr(self, name))} where one value for each "
                f"of {size} {self.unit}s is needed",
            )
        for name in self.product_columns:
            self._check_rows(name, getattr(self, name), products, "the catalogue")
        for name, rows in self.splits.items():
            self._check_rows(f"the split {name}", rows, size, f"the {self.unit}s")
            self._require(
                len(np.unique(rows)) == len(rows), f"the split {name} holds a {self.unit} twice"
            )

    def describe(self) -> list[tuple[str, str]]:
        """What there is, as names and values."""
        return []

    def leaks(self, contents: np.ndarray) -> dict[tuple[str, str], int]:
        """How many of what ``shared`` names stand in both of two splits (earlier, later).

        Args:
            contents: int64 [n], equal for products that are the same, see ``content_numbers``;
                ``np.arange(n)`` tells products by their rows.
        """
        keys = self._keys(contents)
        found = {name: np.unique(keys[self.splits[name]]) for name in SPLITS if name in self.splits}
        return {
            (earlier, later): len(np.intersect1d(found[earlier], found[later]))
            for earlier, later in combinations(found, 2)
        }

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """By split, a sentence on why nothing can be told apart there; sound splits are left out.

        Args:
            names: of the splits to look at.
        """
        return {}

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """Contradictions, leaks and imbalance, as far as this kind of relevance knows of them."""
        for sentence in self.untellable().values():
            yield Finding("balance", sentence, spoils=True)

    def without(self, splits: Mapping[str, np.ndarray]) -> Relevance:
        """The relevance after products were taken out of splits of products.

        Args:
            splits: int64 rows of the catalogue that are left, by the name of the split.
        """
        return self

    def units(self, split: str) -> Units:
        """What a method learns from in a split.

        Raises:
            LikewiseError: no method learns from this kind.
        """
        raise LikewiseError(f"no method learns from {self.kind} yet")

    def check_training(self, batch_size: int) -> None:
        """Raise ``LikewiseError`` where the training split has too little to learn from."""
        targets = self.units("train").targets[0]
        count = len(targets)
        if count < 2:
            raise LikewiseError(
                f"the training split holds {count} {self.unit}(s); it needs at least 2"
            )
        if batch_size > count:
            raise LikewiseError(
                f"batch_size={batch_size} is larger than the {count} training {self.unit}s; "
                f"set it to at most {count}"
            )
        if len(np.unique(targets)) < 2:
            raise LikewiseError(f"{self.one_target}, so nothing can be told apart")

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        """int64, one for each unit: equal where two splits should not hold both."""
        return np.arange(len(self))

    def _check_rows(self, what: str, rows: np.ndarray, size: int, whole: str) -> None:
        whole_numbers = isinstance(rows, np.ndarray) and rows.dtype.kind in "iu"
        self._require(whole_numbers, f"{what} must be an array of whole numbers")
        outside = rows[(rows < 0) | (rows >= size)]
        self._require(
            not len(outside), f"{what} names row {outside[:1].sum()} of {whole}, which has {size}"
        )

    def _require(self, holds: bool | np.bool, what: str) -> None:
        if not holds:
            raise LikewiseError(f"these {self.kind} are inconsistent: {what}")


@dataclass(frozen=True)
class Unknown(Relevance):
    """Nothing is known of what is alike."""

    kind = "products of unknown relevance"
    splits = {}  # noqa: RUF012

    def __len__(self) -> int:
        """None."""
        return 0

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        if len(catalogue):
            sentence = "which products are alike is unknown: none has a group, and there is no pair"
            yield Finding("balance", sentence, spoils=True)
