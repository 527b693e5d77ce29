"""Sequences of Amazon reviews in every layout they come in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import needs_data, sole_events, split_rows

from likewise.data.sources.amazon_reviews import AmazonReviews
from likewise.errors import LikewiseError

SEQUENCES = {7: [3, 1, 2, 1], 4: [2, 3], 9: [1, 2, 3]}
ATTRIBUTES = {1: [5, 6], 2: [], 3: [6]}


def write_sequences(folder: Path) -> Path:
    users, lists = list(SEQUENCES), list(SEQUENCES.values())
    pq.write_table(pa.table({"user_id": users, "item_ids": lists}), folder / "sequences.parquet")
    names = {5: "Acme", 6: "Skin Care"}
    items = {
        "item_id": list(ATTRIBUTES),
        "asin": ["B1", "B2", "B3"],
        "attributes": pa.array(
            [[names[a] for a in found] for found in ATTRIBUTES.values()], pa.list_(pa.string())
        ),
    }
    pq.write_table(pa.table(items), folder / "items.parquet")
    return folder


def write_s3rec(folder: Path) -> Path:
    lines = [" ".join(map(str, [user, *items])) for user, items in SEQUENCES.items()]
    (folder / "Beauty.txt").write_text("\n".join(lines) + "\n")
    (folder / "Beauty_item2attributes.json").write_text(json.dumps(ATTRIBUTES))
    return folder


@pytest.mark.parametrize("write", [write_sequences, write_s3rec])
def test_sequences_leave_the_last_two_out(tmp_path: Path, write) -> None:
    data = AmazonReviews(path=str(write(tmp_path))).load()
    found = sole_events(data)
    assert found.events["user"][:] == [7, 7, 7, 7, 4, 4, 9, 9, 9]
    assert found.events["product"][:] == [2, 0, 1, 0, 1, 2, 0, 1, 2]
    # User 4 has two events only: nothing is left out.
    expected = {"train": [0, 1, 4, 5, 6], "validation": [2, 7], "test": [3, 8]}
    assert split_rows(found.splits) == expected
    if write is write_sequences:
        assert data.catalogue["product_id"][:] == ["B1", "B2", "B3"]
        values = [["Acme", "Skin Care"], [], ["Skin Care"]]
    else:
        assert data.catalogue["product_id"][:] == ["1", "2", "3"]
        values = [["5", "6"], [], ["6"]]
    assert [[a["value"] for a in row] for row in data.catalogue["attributes"]] == values


def test_damaged_sequences(tmp_path: Path) -> None:
    source = AmazonReviews(path=str(tmp_path))
    with pytest.raises(LikewiseError, match=r"no sequences\.parquet or Beauty\.txt in .*download"):
        source.load()
    with pytest.raises(LikewiseError, match=r"data\.name=books must be one of beauty"):
        AmazonReviews(name="books").load()
    write_s3rec(tmp_path)
    text = tmp_path / "Beauty.txt"
    for content, said in (
        ("1 2 3\n2 9 1\n", r"names the item 9, which .*item2attributes\.json does not hold"),
        ("1 2 3\n1 2\n", "more than one line for the user 1"),
        ("1 2 x\n", r"Beauty\.txt is damaged"),
    ):
        text.write_text(content)
        with pytest.raises(LikewiseError, match=said):
            source.load()
    names = tmp_path / "Beauty_item2attributes.json"
    names.write_text(names.read_text()[:-4])
    with pytest.raises(LikewiseError, match=r"item2attributes\.json is damaged"):
        source.load()
    write_sequences(tmp_path)
    (tmp_path / "items.parquet").write_bytes((tmp_path / "items.parquet").read_bytes()[:50])
    with pytest.raises(LikewiseError, match=r"items\.parquet is damaged"):
        source.load()


def test_sequences_are_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "remote").mkdir()
    url = write_s3rec(tmp_path / "remote").as_uri()
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path / "home"))
    data = AmazonReviews(download=True, url=url).load()
    assert len(sole_events(data).events) == 9
    # What is there is not fetched again.
    again = AmazonReviews(download=True, url="file:///nowhere").load()
    assert again.fingerprint == data.fingerprint
    with pytest.raises(LikewiseError, match=r"nowhere/Toys.*could not be downloaded"):
        AmazonReviews("toys", download=True, url="file:///nowhere").load()


def test_a_download_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = write_s3rec(tmp_path / "remote").as_uri()
    hashes = {"Beauty.txt": "0" * 64}
    with pytest.raises(LikewiseError, match=r"could not be downloaded .*hash"):
        AmazonReviews(path=str(tmp_path / "home"), download=True, url=url, sha256=hashes).load()


@needs_data
def test_real_sequences() -> None:
    data = AmazonReviews().load()
    found = sole_events(data)
    assert (len(data.catalogue), len(found.events)) == (12101, 198502)
    assert len(found.splits["test"]) == len(found.splits["validation"]) == 22363
    product, splits = np.array(found.events["product"]), found.splits
    assert np.isin(product[splits["test"]], product[splits["train"]], invert=True).sum() == 138
