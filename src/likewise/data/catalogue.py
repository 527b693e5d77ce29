"""The result of every data source: a catalogue, its relevance and its splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from likewise.data.relevance.base import SPLITS as SPLITS
from likewise.data.relevance.base import Relevance, Unknown
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset, DatasetInfo, Features

Kind = TypeVar("Kind", bound=Relevance)


@dataclass(frozen=True)
class ProductData:
    """A catalogue with its ground truth.

    Attributes:
        catalogue: a ``datasets.Dataset``: ``product_id`` and any of the columns of
            ``catalogue_features``; its ``info`` holds licence, citation and homepage.
        splits: rows (int64) of the products of ``train``, ``validation`` and ``test``, and of
            further splits such as a shop's products, which may be in ``train`` too; readers learn
            from those of ``train``. These three share no row, except where the relevance is
            ``Pairs``: a product is in every split that has a pair with it.
        fingerprint: hash of the content of the source's files. ``fingerprint(data)`` also covers
            later changes of the data.
        relevance: the ground truth, with one entry for each kind. Splits and reports on the quality
            of the data refer to the first entry.
        findings: sentences about problems that were found on reading, such as unusable rows.

    Raises:
        LikewiseError: when an entry of ``relevance`` is inconsistent.
    """

    catalogue: Dataset
    splits: dict[str, np.ndarray]
    fingerprint: str
    relevance: tuple[Relevance, ...] = ()
    findings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check every kind of relevance."""
        for relevance in self.relevance:
            relevance.check(len(self.catalogue))

    @property
    def main(self) -> Relevance:
        """The first kind of relevance; ``Unknown`` without any."""
        return next(iter(self.relevance), Unknown())

    def has(self, kind: type[Relevance]) -> bool:
        """Whether a kind of relevance is known."""
        return any(isinstance(relevance, kind) for relevance in self.relevance)

    def get(self, kind: type[Kind], wanted_by: str = "this") -> Kind:
        """The relevance of a kind.

        Args:
            wanted_by: the subject of the sentence that says what is missing.

        Raises:
            LikewiseError: the data do not have this kind; it names data that do.
        """
        for relevance in self.relevance:
            if isinstance(relevance, kind):
                return relevance
        others = "".join(
            f"; for {other.kind}, which they have, there is {other.used_by}"
            for other in self.relevance
            if other.used_by
        )
        raise LikewiseError(
            f"{wanted_by} needs {kind.kind}, which these data do not have; {kind.advice}{others}"
        )

    def any_of(self, kinds: Sequence[type[Relevance]], wanted_by: str = "this") -> Any:
        """The first relevance that is of one of some kinds; raises as ``get`` does."""
        known = next((kind for kind in kinds if self.has(kind)), kinds[0])
        return self.get(known, wanted_by)

    def replacing(self, relevance: Relevance) -> tuple[Relevance, ...]:
        """Return ``relevance`` with its entry of this kind replaced by another one."""
        return tuple(
            relevance if type(known) is type(relevance) else known for known in self.relevance
        )


def fingerprint(data: ProductData) -> str:
    """16 hex digits that change with the source's content, the relevance or the splits.

    Part of every run's identity, so that no result is taken for that of other data. Tables of
    events are not hashed again: the source's fingerprint covers them.
    """
    digest = hashlib.sha256(data.fingerprint.encode())
    arrays = {f"split {name}": rows for name, rows in data.splits.items()}
    for relevance in data.relevance:
        arrays |= dict(_arrays(relevance))
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def _arrays(relevance: Relevance) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays among the fields of a relevance by name, those of its splits among them."""
    kind = type(relevance).__name__
    for name in (known.name for known in fields(relevance)):
        value = getattr(relevance, name)
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        for part, values in parts:
            if isinstance(values, np.ndarray):
                yield f"{kind} {name} {part}", values


class Source(Protocol):
    """A data set that can be loaded."""

    def load(self) -> ProductData:
        """Read the data; raises ``LikewiseError`` when it is missing or damaged."""
        ...


def catalogue_features() -> Features:
    """The typed columns of a catalogue; only ``product_id`` has to be there.

    ``price`` is in one currency for the whole catalogue; ``attributes`` are names and values as
    text; ``shop`` says where the product is offered and is none of its contents; ``image`` is
    encoded (JPEG, PNG …), as bytes or as a path. A source whose pictures all have one size may hold
    them as uint8 [c, h, w] instead, see ``images.image_dataset``.
    """
    from datasets import Features, Image, List, Value

    text = Value("string")
    return Features(
        {
            "product_id": text,
            "title": text,
            "description": text,
            "brand": text,
            "category": text,
            "shop": text,
            "price": Value("float64"),
            "attributes": List({"name": text, "value": text}),
            "image": Image(),
            "reviews": List(text),
        }
    )


def make_catalogue(
    columns: Mapping[str, Sequence[Any]], info: DatasetInfo | None = None
) -> Dataset:
    """Make a catalogue from lists with one value per product; missing values are ``None``.

    Raises:
        LikewiseError: for a column that is not in ``catalogue_features``, columns of unequal
            length, or a ``product_id`` that occurs twice.
    """
    from datasets import Dataset, Features

    features = catalogue_features()
    if strange := sorted(set(columns) - set(features)):
        raise LikewiseError(f"a catalogue has no column {strange[0]}; it has {', '.join(features)}")
    if len({len(values) for values in columns.values()}) > 1:
        raise LikewiseError("the columns of a catalogue must have a value for each product")
    ids = np.array(columns["product_id"], dtype=object)
    found, counts = np.unique(ids.astype(str), return_counts=True)
    if len(found) < len(ids):
        raise LikewiseError(f"product_id {found[counts.argmax()]} is in the catalogue twice")
    typed = Features({name: features[name] for name in columns})
    catalogue = Dataset.from_dict(dict(columns), features=typed)
    return catalogue if info is None else with_info(catalogue, info)


def shop_numbers(catalogue: Dataset) -> np.ndarray:
    """Return the number of the shop of each product, int64 [n], in the order of the shops' names.

    Products without a shop share a number.
    """
    if "shop" not in catalogue.column_names:
        return np.zeros(len(catalogue), np.int64)
    names = [shop or "" for shop in catalogue["shop"][:]]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def with_info(catalogue: Dataset, info: DatasetInfo) -> Dataset:
    """Return the catalogue with the description, citation, homepage and licence of ``info``."""
    for name in ("description", "citation", "homepage", "license"):
        setattr(catalogue.info, name, getattr(info, name))
    return catalogue
