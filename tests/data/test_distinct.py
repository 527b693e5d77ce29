"""No set of duplicates stands in two splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.deduplication import Deduplication
from likewise.data.distinct import without_duplicates
from likewise.data.relevance import Groups, Pairs

TITLES = [
    "a lamp of oiled oak for the desk",
    "A lamp of oiled oak, for the desk",
    "a lamp of oiled oak for the desk!",
    "a kettle of brushed steel, whistling",
    "a kettle of brushed steel, whistling",
    "curtains of heavy linen with lining",
]
SPLITS = {"train": [0, 3, 4], "validation": [1], "test": [2, 5]}


def data() -> ProductData:
    catalogue = make_catalogue({"product_id": list("abcdef"), "title": TITLES})
    splits = {name: np.array(rows) for name, rows in SPLITS.items()}
    groups = Groups.of(np.array([0, 0, 0, 1, 1, 2]), list("xyz"), splits)
    return ProductData(catalogue, splits, "f0", (groups,))


@pytest.mark.parametrize(("keep", "train"), [("all", [3, 4]), ("first", [3])])
def test_sets_stay_in_their_latest_split(keep: str, train: list[int]) -> None:
    found = without_duplicates(data(), Deduplication(jaccard=0.7, keep=keep))
    assert {name: rows.tolist() for name, rows in found.splits.items()} == {
        "train": train,
        "validation": [],
        "test": [2, 5],
    }
    assert found.get(Groups).rows("train").tolist() == train
    assert found.fingerprint != "f0"
    assert "6 products are 3 sets of duplicates" in found.findings


def test_nothing_changes_where_nothing_is_to_be_removed() -> None:
    splits = {"train": np.array([3, 4]), "validation": np.array([1]), "test": np.array([5])}
    sound = replace(data(), splits=splits)
    assert without_duplicates(sound, Deduplication(jaccard=0.7)) is sound


def test_labelled_pairs_stay() -> None:
    row = np.array([0])
    pairs = Pairs(row, row + 1, row + 1, {"train": row, "validation": row[:0], "test": row[:0]})
    labelled = replace(data(), relevance=(pairs, *data().relevance))
    assert without_duplicates(labelled, Deduplication()) is labelled
