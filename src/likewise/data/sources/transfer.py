"""Matching the offers of a catalogue by what was learned from labelled pairs of other ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.catalogue import ProductData, Source
from likewise.data.relevance import Pairs
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Transfer:
    """Pairs of some sources for training and validation, and those of another one for the test.

    So no labelled pair of the tested catalogue is needed: a threshold is chosen on the validation
    pairs of the sources, and training and validation pairs of the target are not read. The
    catalogue holds all products of all of them. Those of a source have its name before their id and
    their shop, so that products of different sources are never of one shop; those of the target
    keep their ids.

    Args:
        sources: by name, data with labelled pairs to learn from.
        target: data with labelled pairs to be tested on.
    """

    sources: Mapping[str, Source]
    target: Source

    def load(self) -> ProductData:
        """Read all sources and the target, and join them."""
        from datasets import concatenate_datasets

        if not self.sources:
            raise LikewiseError(
                "data=transfer has nothing to learn from; name sources, such as "
                "+data@data.sources.abt_buy=product_matching"
            )
        target = self.target.load()
        parts = {name: source.load() for name, source in self.sources.items()}
        joined: list[Dataset] = []
        taken: dict[str, list[Pairs]] = {"train": [], "validation": [], "test": []}
        for name, data in {**parts, "": target}.items():
            pairs = data.get(Pairs, "data=transfer")
            start = sum(len(part) for part in joined)
            joined.append(_named(data.catalogue, name) if name else data.catalogue)
            for split in ("train", "validation") if name else ("test",):
                taken[split].append(_moved(pairs, split, start))
        every = [pairs for chosen in taken.values() for pairs in chosen]
        counts = [sum(len(pairs) for pairs in chosen) for chosen in taken.values()]
        places = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
        pairs = Pairs(
            np.concatenate([one.left for one in every]),
            np.concatenate([one.right for one in every]),
            np.concatenate([one.labels for one in every]),
            dict(zip(taken, places, strict=True)),
        )
        fingerprints = [f"{name} {data.fingerprint}" for name, data in parts.items()]
        content = "\n".join([*fingerprints, target.fingerprint])
        return ProductData(
            catalogue=concatenate_datasets(joined),
            splits={name: pairs.products_of(name) for name in taken},
            fingerprint=hashlib.sha256(content.encode()).hexdigest()[:16],
            relevance=(pairs,),
            findings=[
                *(f"{name}: {found}" for name, data in parts.items() for found in data.findings),
                *target.findings,
            ],
        )


def _named(catalogue: Dataset, name: str) -> Dataset:
    """Return the catalogue of a source with its name before ids and shops."""
    shops = catalogue["shop"][:] if "shop" in catalogue.column_names else [None] * len(catalogue)
    columns = {
        "product_id": [f"{name}:{one}" for one in catalogue["product_id"][:]],
        "shop": [f"{name}:{one}" if one else name for one in shops],
    }
    kept = catalogue.remove_columns([one for one in columns if one in catalogue.column_names])
    for column, values in columns.items():
        kept = kept.add_column(column, values)
    return kept


def _moved(pairs: Pairs, split: str, start: int) -> Pairs:
    """The pairs of a split, of products that lie ``start`` rows further in the catalogue."""
    rows = pairs.splits[split]
    return Pairs(pairs.left[rows] + start, pairs.right[rows] + start, pairs.labels[rows], {})
