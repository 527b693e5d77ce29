"""Training on labelled pairs of some sources, and testing on those of another one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from likewise.cli import main
from likewise.data.catalogue import ProductData, fingerprint
from likewise.data.relevance import Pairs
from likewise.data.sources.shopee import Shopee
from likewise.data.sources.synthetic import Synthetic
from likewise.data.sources.transfer import Transfer
from likewise.errors import LikewiseError

SMALL = {"products": 100, "groups": 10}


def named_pairs(data: ProductData, split: str) -> list[tuple[str, str, int]]:
    """Title of both products and label of the pairs of a split."""
    pairs, titles = data.get(Pairs), data.catalogue["title"][:]
    rows = pairs.splits[split]
    sides = ([titles[row] for row in side[rows]] for side in (pairs.left, pairs.right))
    return list(zip(*sides, pairs.labels[rows].tolist(), strict=True))


def test_each_split_is_that_of_its_sources() -> None:
    one, two, target = (Synthetic(**SMALL, seed=seed) for seed in range(3))
    data = Transfer({"one": one, "two": two}, target).load()
    for split in ("train", "validation"):
        expected = named_pairs(one.load(), split) + named_pairs(two.load(), split)
        assert named_pairs(data, split) == expected
    assert named_pairs(data, "test") == named_pairs(target.load(), "test")
    ids = np.array(data.catalogue["product_id"][:])
    assert all(name.startswith(("one:", "two:")) for name in ids[data.splits["train"]])
    own = set(target.load().catalogue["product_id"][:])
    assert own.issuperset(ids[data.splits["test"]])
    assert not np.intersect1d(data.splits["train"], data.splits["test"]).size


def test_shops_of_different_sources_differ() -> None:
    data = Transfer({"one": Synthetic(**SMALL)}, Synthetic(**SMALL)).load()
    shops = data.catalogue["shop"][:]
    assert all(shop.startswith("one") for shop in shops[:100])
    assert not {*shops[:100]} & {*shops[100:]}


def test_the_fingerprint_is_of_all_parts() -> None:
    found = {
        fingerprint(Transfer({name: Synthetic(**SMALL, seed=a)}, Synthetic(**SMALL, seed=b)).load())
        for name, a, b in (("x", 0, 1), ("x", 2, 1), ("x", 0, 2), ("x", 0, 1))
    }
    assert len(found) == 3


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match="nothing to learn from; name sources"):
        Transfer({}, Synthetic(**SMALL)).load()
    with pytest.raises(LikewiseError, match=r"train\.csv"):
        Transfer({"one": Shopee(str(tmp_path))}, Synthetic(**SMALL)).load()


@pytest.mark.parametrize("context", ["false", "true"])
def test_a_run_is_tested_on_the_target(tmp_path: Path, context: str) -> None:
    options = [
        "task=matching",
        "data=transfer",
        *(f"data.target.{name}={value}" for name, value in SMALL.items()),
        "data.target.seed=7",
        "+data@data.sources.one=synthetic",
        *(f"data.sources.one.{name}={value}" for name, value in SMALL.items()),
        "matcher=signals",
        "matcher.n_estimators=5",
        f"matcher.context={context}",
        "logger=none",
        f"output={tmp_path}",
    ]
    assert main(["train", *options]) == 0
    (result,) = tmp_path.glob("train/*/result.json")
    scores = json.loads(result.read_text())["metrics"]
    assert 0 <= scores["test/f1"] <= 1
