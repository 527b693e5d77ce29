"""Product matching in its three layouts, and the pairs that its splits share."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import needs_data

from likewise.data.catalogue import ProductData
from likewise.data.contents import content_numbers
from likewise.data.pair_leaks import with_unleaked_test
from likewise.data.relevance import Groups, Pairs
from likewise.data.sources.product_matching import ProductMatching
from likewise.errors import LikewiseError

# id, name, manufacturer, modelno, price; L3 and R3 are the same offer but for case.
OFFERS = [
    ("L1", "nikon d40", "nikon", "d40", "399.0"),
    ("L2", "canon eos", "", "", ""),
    ("L3", "Lens Cap", "acme", "", "5"),
    ("R1", "nikon d40 body", "nikon", "", "$1,380.50"),
    ("R2", "canon eos kit", "canon", "", "ask"),
    ("R3", "lens cap", "ACME", "", "5"),
    ("R4", "tripod", "acme", "t1", "20"),
]
FIELDS = ("name", "manufacturer", "modelno", "price")
# left, right, label, split; (L3, R4) stands in train and test, with other labels.
PAIRS = [
    ("L1", "R1", 1, "train"),
    ("L1", "R2", 0, "train"),
    ("L3", "R4", 0, "train"),
    ("L2", "R2", 1, "valid"),
    ("L3", "R4", 1, "test"),
    ("L3", "R3", 1, "test"),
]


def write_parquet(folder: Path, pairs: list = PAIRS, **more: list) -> Path:
    """Offers and pairs; ``more`` are further columns of the pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = dict(zip(("offer_id", *FIELDS), map(list, zip(*OFFERS, strict=True)), strict=True))
    columns |= {"source": [o[0][0] for o in OFFERS], "cluster_id": ["L1"] * len(OFFERS)}
    pq.write_table(pa.table(columns), folder / "offers.parquet")
    names = ("left_id", "right_id", "label", "split")
    table = dict(zip(names, map(list, zip(*pairs, strict=True)), strict=True)) | more
    pq.write_table(pa.table(table), folder / "pairs.parquet")
    return folder


def write_magellan(folder: Path) -> Path:
    folder.mkdir()
    for file, side in (("tableA", "L"), ("tableB", "R")):
        with (folder / f"{file}.csv").open("w", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(("id", *FIELDS))
            writer.writerows((o[0][1:], *o[1:]) for o in OFFERS if o[0][0] == side)
    for split in ("train", "valid", "test"):
        rows = [f"{p[0][1:]},{p[1][1:]},{p[2]}\n" for p in PAIRS if p[3] == split]
        (folder / f"{split}.csv").write_text("ltable_id,rtable_id,label\n" + "".join(rows))
    return folder


def ditto_line(pair: tuple[str, str, int, str]) -> str:
    offers = {offer[0]: offer[1:] for offer in OFFERS}
    texts = [
        " ".join(f"COL {f} VAL {v}" for f, v in zip(FIELDS, offers[key], strict=True)) + " "
        for key in pair[:2]
    ]
    return "\t".join([*texts, str(pair[2])]) + "\n"


def write_ditto(folder: Path, end: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "valid", "test"):
        name = "test.txt" if split == "test" else f"{split}.txt{end}"
        lines = [ditto_line(pair) for pair in PAIRS if pair[3] == split]
        (folder / name).write_text("".join(lines))
    return folder


def read_pairs(data: ProductData) -> list[tuple[str | None, str | None, int, str]]:
    """The pairs as titles, to compare layouts whose ids differ."""
    titles, pairs = data.catalogue["title"], data.get(Pairs)
    return [
        (
            titles[data.get(Pairs).left[i]],
            titles[data.get(Pairs).right[i]],
            int(data.get(Pairs).labels[i]),
            name,
        )
        for name in ("train", "validation", "test")
        for i in pairs.splits[name]
    ]


@pytest.mark.parametrize("write", [write_parquet, write_magellan, write_ditto])
def test_every_layout_gives_the_same_offers_and_pairs(tmp_path: Path, write) -> None:
    data = ProductMatching("mine", str(write(tmp_path / "data"))).load()
    rows = {row["title"]: row for row in data.catalogue}
    assert set(rows) == {offer[1] for offer in OFFERS}
    nikon = rows["nikon d40"]
    assert (nikon["brand"], nikon["price"]) == ("nikon", 399.0)
    assert nikon["attributes"] == [{"name": "modelno", "value": "d40"}]
    assert rows["canon eos"]["brand"] is rows["canon eos"]["price"] is None
    assert rows["canon eos"]["attributes"] == []
    assert rows["nikon d40 body"]["price"] == 1380.5
    assert rows["canon eos kit"]["price"] is None
    assert any("not numbers and were left out: 1" in finding for finding in data.findings)
    assert {row["product_id"][0] for row in rows.values()} == {"L", "R"}
    names = {"valid": "validation"}
    title = {offer[0]: offer[1] for offer in OFFERS}
    expected = [(title[a], title[b], n, names.get(s, s)) for a, b, n, s in PAIRS]
    assert read_pairs(data) == expected


def test_groups_come_from_training_matches_only(tmp_path: Path) -> None:
    data = ProductMatching("mine", str(write_parquet(tmp_path))).load()
    groups = data.get(Groups)
    group = dict(zip(data.catalogue["product_id"], groups.labels, strict=True))
    assert group["L1"] == group["R1"]
    assert len(set(group.values())) == len(groups.names) == 6
    assert groups.names[group["R1"]] == "L1"
    products = {
        name: {data.catalogue["product_id"][row] for row in rows}
        for name, rows in data.splits.items()
    }
    assert products == {
        "train": {"L1", "R1", "R2", "L3", "R4"},
        "validation": {"L2", "R2"},
        "test": {"L3", "R4", "R3"},
    }


def test_test_pairs_of_train_are_told_apart(tmp_path: Path) -> None:
    data = with_unleaked_test(ProductMatching("mine", str(write_parquet(tmp_path))).load())
    assert data.get(Pairs).splits["test"].tolist() == [4, 5]
    assert data.get(Pairs).splits["test_without_leaks"].tolist() == [5]
    pairs, contents = data.get(Pairs), content_numbers(data.catalogue)
    assert (pairs.repeated(contents), pairs.conflicts(contents)) == (1, 1)
    assert pairs.leaks(contents)["train", "test"] == 1
    assert any("are in more than one split: 1;" in finding for finding in data.findings)


def test_the_same_offer_on_the_other_side_is_a_leak_too(tmp_path: Path) -> None:
    # L3 and R3 differ in id and case only, so (L3, R4) of train is (R3, R4) of the test.
    pairs = [("L3", "R4", 0, "train"), ("R3", "R4", 0, "test"), ("R4", "L3", 0, "test")]
    data = with_unleaked_test(ProductMatching("mine", str(write_parquet(tmp_path, pairs))).load())
    assert data.get(Pairs).splits["test_without_leaks"].tolist() == []
    assert data.get(Pairs).leaks(np.arange(len(OFFERS)))["train", "test"] == 1


def test_one_size_at_a_time(tmp_path: Path) -> None:
    size = ["small", "medium", "small", "small", "all", "all"]
    folder = write_parquet(tmp_path / "parquet", size=size)
    small = ProductMatching("wdc", str(folder), size="small").load()
    counts = {name: len(rows) for name, rows in small.get(Pairs).splits.items()}
    assert counts == {"train": 2, "validation": 1, "test": 2}
    mixed = ProductMatching("wdc", str(folder)).load()
    assert len(mixed.get(Pairs).splits["train"]) == 3
    assert any("several sizes are mixed" in finding for finding in mixed.findings)
    assert mixed.fingerprint != small.fingerprint
    with pytest.raises(LikewiseError, match=r"data\.size=large is not in .*it has small, medium"):
        ProductMatching("wdc", str(folder), size="large").load()

    folder = write_ditto(tmp_path / "ditto", ".small")
    write_ditto(folder, ".medium")
    sized = ProductMatching("wdc", str(folder), size="medium").load()
    assert len(read_pairs(sized)) == 6
    mixed = ProductMatching("wdc", str(folder)).load()
    assert len(mixed.get(Pairs).splits["train"]) == 6
    with pytest.raises(LikewiseError, match="set it to null"):
        ProductMatching("mine", str(write_magellan(tmp_path / "csv")), size="small").load()


def test_downloads_go_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ditto(tmp_path / "remote" / "wdc" / "shoes", ".small")
    write_ditto(tmp_path / "remote" / "wdc" / "shoes", ".medium")
    home = tmp_path / "home"
    monkeypatch.setenv("LIKEWISE_DATA", str(home))
    url = (tmp_path / "remote").as_uri()
    for size in ("small", "medium"):
        data = ProductMatching("wdc_shoes", size=size, download=True, url=url).load()
        assert len(read_pairs(data)) == 6
    folder = home / "product_matching" / "wdc_shoes"
    files = ["test.txt", "train.txt.medium", "train.txt.small", "valid.txt.medium"]
    assert sorted(p.name for p in folder.iterdir()) == [*files, "valid.txt.small"]
    with pytest.raises(LikewiseError, match=r"no pairs\.parquet or .*abt_buy"):
        ProductMatching("abt_buy").load()
    with pytest.raises(LikewiseError, match=r"could not be downloaded .*set data\.path"):
        ProductMatching("abt_buy", download=True, url=url).load()
    assert not list(home.rglob("*.part"))
    with pytest.raises(LikewiseError, match="size=null cannot be downloaded for wdc_shoes"):
        ProductMatching("wdc_shoes", download=True, url=url).load()
    with pytest.raises(LikewiseError, match=r"data\.name=mine cannot be downloaded"):
        ProductMatching("mine", download=True, url=url).load()


def test_damage_to_parquet_is_one_sentence(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path)
    source = ProductMatching("mine", str(folder))
    pairs = folder / "pairs.parquet"
    pairs.write_bytes(pairs.read_bytes()[:-100])
    with pytest.raises(LikewiseError, match=r"pairs\.parquet is damaged"):
        source.load()
    pq.write_table(pa.table({"left_id": ["L1"], "right_id": ["R1"]}), pairs)
    with pytest.raises(LikewiseError, match=r"has no column label; it has left_id, right_id"):
        source.load()
    for pair, said in (
        (("L9", "R1", 1, "test"), r"names the offer L9, which .*offers\.parquet does not hold"),
        (("L1", "R1", 2, "test"), "has the label 2"),
        (("L1", "R1", None, "test"), "1 rows without a value of label"),
        (("L1", "R1", 1, "dev"), "has the split dev"),
    ):
        write_parquet(folder, [*PAIRS, pair])
        with pytest.raises(LikewiseError, match=said):
            source.load()
    (folder / "offers.parquet").unlink()
    with pytest.raises(LikewiseError, match=r"has no offers\.parquet"):
        source.load()


def test_damage_to_text_is_one_sentence(tmp_path: Path) -> None:
    folder = write_ditto(tmp_path / "ditto")
    text = (folder / "valid.txt").read_text()
    for damaged in (text[:-3] + "\n", text[4:], text.replace("\t1", "\tyes"), text + "\n"):
        (folder / "valid.txt").write_text(damaged)
        with pytest.raises(LikewiseError, match=r"line \d of .*valid\.txt is not a labelled pair"):
            ProductMatching("mine", str(folder)).load()
    folder = write_magellan(tmp_path / "csv")
    (folder / "test.csv").write_text("ltable_id,rtable_id,label\n1,7,0\n")
    with pytest.raises(LikewiseError, match=r"test\.csv names the offer 7, which .*tableB\.csv"):
        ProductMatching("mine", str(folder)).load()
    (folder / "test.csv").write_text("ltable_id,rtable_id,label\n1,2,zero\n")
    with pytest.raises(LikewiseError, match=r"test\.csv is damaged"):
        ProductMatching("mine", str(folder)).load()
    (folder / "test.csv").unlink()
    with pytest.raises(LikewiseError, match=r"has no test\.csv"):
        ProductMatching("mine", str(folder)).load()


@needs_data
@pytest.mark.parametrize(
    ("name", "size", "shared", "conflicting", "test_in_train"),
    [
        ("abt_buy", None, 26, 13, 19),
        ("amazon_google", None, 212, 18, 110),
        ("walmart_amazon", None, 2, 1, 1),
        ("wdc_cameras", "small", 13, 0, 8),
        ("wdc_cameras", "medium", 24, 1, 17),
        ("wdc_cameras", "large", 48, 4, 31),
        ("wdc_computers", "small", 22, 0, 13),
        ("wdc_computers", "medium", 20, 0, 18),
        ("wdc_shoes", "small", 21, 1, 16),
        ("wdc_shoes", "medium", 36, 2, 24),
        ("wdc_shoes", "large", 124, 18, 80),
    ],
)
def test_real_leaks(
    name: str, size: str | None, shared: int, conflicting: int, test_in_train: int
) -> None:
    data = ProductMatching(name, size=size).load()
    pairs, contents = data.get(Pairs), content_numbers(data.catalogue)
    assert (pairs.repeated(contents), pairs.conflicts(contents)) == (shared, conflicting)
    assert pairs.leaks(contents)["train", "test"] == test_in_train
