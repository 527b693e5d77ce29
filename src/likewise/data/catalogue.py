"""What every data source yields: a catalogue, its relevance and its splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from likewise.data.relevance import Behaviour, Judgements, Pairs
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset, DatasetInfo, Features

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class ProductData:
    """A catalogue with its ground truth.

    Attributes:
        catalogue: a ``datasets.Dataset``: ``product_id`` and any of the columns of
            ``catalogue_features``; its ``info`` holds licence, citation and homepage.
        groups: int64 [n]; products of one group are alike (the relevance); -1 where unknown.
        group_names: the name of group ``i`` at place ``i``.
        splits: rows (int64) of ``train``, ``validation`` and ``test``. They share no row, except
            where the relevance is ``pairs``: there a product is in every split that has a pair of
            it.
        fingerprint: hash of the content of the source's files; what is done to the data
            afterwards goes into ``fingerprint(data)``.
        pairs, judgements, behaviour: other kinds of relevance, where the source has them.
        findings: what reading noticed, in sentences: rows that could not be used, and why.
    """

    catalogue: Dataset
    groups: np.ndarray
    group_names: list[str]
    splits: dict[str, np.ndarray]
    fingerprint: str
    pairs: Pairs | None = None
    judgements: Judgements | None = None
    behaviour: Behaviour | None = None
    findings: list[str] = field(default_factory=list)


def fingerprint(data: ProductData) -> str:
    """16 hex digits that change with the source's content, the relevance or the splits.

    Part of every run's identity, so that no result is taken for that of other data.
    """
    digest = hashlib.sha256(data.fingerprint.encode())
    arrays = {"groups": data.groups} | {f"split {k}": rows for k, rows in data.splits.items()}
    for relevance in (data.pairs, data.judgements, data.behaviour):
        if relevance is not None:
            kind = type(relevance).__name__
            arrays |= {
                f"{kind} {name}": value
                for name, value in vars(relevance).items()
                if isinstance(value, np.ndarray)
            }
            arrays |= {f"{kind} split {k}": rows for k, rows in relevance.splits.items()}
    for name, values in sorted(arrays.items()):
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


class Source(Protocol):
    """A data set that can be loaded."""

    def load(self) -> ProductData:
        """Read the data; raises ``LikewiseError`` when it is missing or damaged."""
        ...


def catalogue_features() -> Features:
    """The typed columns of a catalogue; only ``product_id`` has to be there.

    ``price`` is in one currency for the whole catalogue; ``attributes`` are names and values as
    text; ``image`` is encoded (JPEG, PNG …), as bytes or as a path. A source whose pictures all
    have one size may hold them as uint8 [c, h, w] instead, see ``images.image_dataset``.
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
            "price": Value("float64"),
            "attributes": List({"name": text, "value": text}),
            "image": Image(),
            "reviews": List(text),
        }
    )


def make_catalogue(
    columns: Mapping[str, Sequence[Any]], info: DatasetInfo | None = None
) -> Dataset:
    """A catalogue of lists in memory, a value a product; missing values are ``None``.

    Raises:
        LikewiseError: for a column that is none of ``catalogue_features``, columns of unequal
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
        raise LikewiseError(f"product_id {found[counts.argmax()]} stands in the catalogue twice")
    typed = Features({name: features[name] for name in columns})
    catalogue = Dataset.from_dict(dict(columns), features=typed)
    return catalogue if info is None else with_info(catalogue, info)


def with_info(catalogue: Dataset, info: DatasetInfo) -> Dataset:
    """The catalogue with what ``info`` says of its description, citation, homepage and licence."""
    for name in ("description", "citation", "homepage", "license"):
        setattr(catalogue.info, name, getattr(info, name))
    return catalogue
