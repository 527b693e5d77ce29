"""The base class of all kinds of relevance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.data.finding import Finding
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Units:
    """The training units of a method: one or more products each, with their targets.

    Attributes:
        products: int64 [sides, m], rows of the catalogue; one side for single products, two for
            pairs.
        targets: int64 arrays, each [m] or [sides, m]. A batch holds the values of its units,
            flattened. The first is [m], and samplers use it to order the units.
    """

    products: np.ndarray
    targets: tuple[np.ndarray, ...]


class Relevance:
    """Ground truth about which products are similar; each kind is a frozen dataclass.

    Its fields are arrays with one value per unit (a product with a group, a pair, a judgement, an
    event), and ``splits``: int64 rows of its own units by the name of the split.

    Attributes:
        kind: its name in sentences, a plural such as ``labelled pairs``.
        advice: what users can do if their data do not have this kind.
        used_by: the parts of a config that use it, for advice; empty if no part does.
        unit: the name of one unit.
        columns: the fields with one value per unit.
        product_columns: the fields of ``columns`` that hold rows of the catalogue.
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
    # Declares to type checkers that every kind is a dataclass.
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __len__(self) -> int:
        """The number of units."""
        return len(getattr(self, self.columns[0]))

    @property
    def num_groups(self) -> int:
        """The number of groups in the targets of ``units``; 0 if there are none."""
        return 0

    @property
    def training_unit(self) -> str:
        """The name of one unit of ``units``."""
        return self.unit

    def count_units(self, split: str) -> int:
        """The number of training units of a split."""
        return len(self.splits[split])

    def density(self) -> float:
        """The mean number of training units per group, user, query or product; 0 without units."""
        rows = self.splits.get("train", np.zeros(0, np.int64))
        return len(rows) / max(1, len(np.unique(self._owners()[rows]))) if len(rows) else 0.0

    def unseen(self) -> float:
        """The share of test units whose product, or group, is not in a training unit, from 0 to 1.

        Of a unit with several products, the last one counts, such as the target of a link.
        """
        train, test = (self.splits.get(name, np.zeros(0, np.int64)) for name in ("train", "test"))
        if not len(test) or not self.product_columns:
            return 0.0
        known = [getattr(self, name)[train] for name in self.product_columns]
        asked = getattr(self, self.product_columns[-1])[test]
        return float(1 - np.isin(asked, np.concatenate(known)).mean())

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
        """Describe the relevance as names and values."""
        return []

    def leak_counts(self) -> list[tuple[str, str]]:
        """Describe, by names and values, what the earlier splits contain of each later split.

        The list is empty for kinds whose leaks are findings only, see ``problems``.
        """
        return []

    def leaks(self, contents: np.ndarray) -> dict[tuple[str, str], int]:
        """Count what ``shared`` names and two splits (earlier, later) have in common.

        Args:
            contents: int64 [n], equal for products that are the same, see ``content_numbers``;
                ``np.arange(n)`` identifies products by their rows.
        """
        keys = self._keys(contents)
        found = {name: np.unique(keys[self.splits[name]]) for name in SPLITS if name in self.splits}
        return {
            (earlier, later): len(np.intersect1d(found[earlier], found[later]))
            for earlier, later in combinations(found, 2)
        }

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """Return, by split, a sentence that says why it cannot be evaluated; omit sound splits.

        Args:
            names: names of the splits to check.
        """
        return {}

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """Yield contradictions, leaks and imbalance that this kind of relevance can find."""
        for sentence in self.untellable().values():
            yield Finding("balance", sentence, spoils=True)

    def without(self, splits: Mapping[str, np.ndarray]) -> Relevance:
        """Return the relevance after products were removed from splits.

        Args:
            splits: int64 rows of the catalogue that remain, by the name of the split.
        """
        return self

    def units(self, split: str) -> Units:
        """Return the training units of a split.

        Raises:
            LikewiseError: if no method learns from this kind.
        """
        raise LikewiseError(f"no method learns from {self.kind} yet")

    def check_training(self, batch_size: int) -> None:
        """Raise ``LikewiseError`` where the training split has too little to learn from."""
        targets = self.units("train").targets[0]
        count = len(targets)
        if count < 2:
            raise LikewiseError(
                f"the training split holds {count} {self.training_unit}(s); it needs at least 2"
            )
        if batch_size > count:
            raise LikewiseError(
                f"batch_size={batch_size} is larger than the {count} training "
                f"{self.training_unit}s; set it to at most {count}"
            )
        if len(np.unique(targets)) < 2:
            raise LikewiseError(f"{self.one_target}, so there is nothing to learn")

    def _owners(self) -> np.ndarray:
        """int64, one number per unit: the product, group, user or query that it belongs to."""
        return np.asarray(getattr(self, self.product_columns[0]))

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        """int64, one key per unit; two splits should not contain units of equal keys."""
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
    """No ground truth: it is unknown which products are similar."""

    kind = "products of unknown relevance"
    splits: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """None."""
        return 0

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        if len(catalogue):
            sentence = "it is unknown which products are similar: there are no groups and no pairs"
            yield Finding("balance", sentence, spoils=True)
