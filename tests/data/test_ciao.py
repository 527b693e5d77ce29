"""Ratings with trust in every layout they come in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import needs_data, sole_events, split_rows
from scipy.io import savemat

from likewise.data.sources.ciao import Ciao
from likewise.errors import LikewiseError

# user, item, category, rating, helpfulness, time; user 2 rated item 30 three times.
RATINGS = [
    (2, 30, 1, 4, 5, 300),
    (1, 20, 2, 5, 4, 100),
    (2, 30, 1, 2, 3, 500),
    (1, 10, 1, 3, 2, 50),
    (2, 30, 1, 1, 1, 400),
    (2, 20, 3, 3, 2, 200),
]
TRUSTS = [(1, 2), (2, 7)]
RATING_COLUMNS = ("user_id", "item_id", "category_id", "rating", "helpfulness", "timestamp")


def write_ratings(folder: Path) -> Path:
    columns = zip(RATING_COLUMNS, map(list, zip(*RATINGS, strict=True)), strict=True)
    pq.write_table(pa.table(dict(columns)), folder / "ratings.parquet")
    trust = {"user_id": [1, 2], "trusts_user_id": [2, 7]}
    pq.write_table(pa.table(trust), folder / "trust.parquet")
    return folder


def write_matlab(folder: Path) -> Path:
    savemat(folder / "rating_with_timestamp.mat", {"rating": np.array(RATINGS, float)})
    savemat(folder / "trustnetwork.mat", {"trustnetwork": np.array(TRUSTS, float)})
    return folder


def write_archive(folder: Path) -> Path:
    write_matlab(folder)
    with zipfile.ZipFile(folder / "ciao_with_rating_timestamp.zip", "w") as archive:
        for file in sorted(folder.glob("*.mat")):
            archive.write(file, f"ciao_with_rating_timestamp/{file.name}")
            file.unlink()
    return folder


@pytest.mark.parametrize("write", [write_ratings, write_matlab, write_archive])
def test_ratings_keep_the_latest_and_split_by_time(tmp_path: Path, write) -> None:
    data = Ciao(path=str(write(tmp_path)), validation_share=0.25, test_share=0.25).load()
    found = sole_events(data)
    assert data.catalogue["product_id"][:] == ["10", "20", "30"]
    assert data.catalogue["category"][:] == ["1", "2", "1"]
    assert found.events.column_names == ["user", "product", "rating", "helpfulness", "time"]
    rows = [tuple(row.values()) for row in found.events]
    expected = [(1, 0, 3, 2, 50), (1, 1, 5, 4, 100), (2, 1, 3, 2, 200), (2, 2, 2, 3, 500)]
    assert rows == expected
    assert split_rows(found.splits) == {"train": [0, 1], "validation": [2], "test": [3]}
    assert list(zip(found.trust.user, found.trust.trusts, strict=True)) == TRUSTS
    assert data.findings == [
        "ratings left out for a later one by the same user: 2",
        "further categories of a product, of which the first is kept: 1",
    ]


def test_ratings_of_one_time_the_last_row_counts(tmp_path: Path) -> None:
    rows = {name: [1, 1] for name in RATING_COLUMNS} | {"rating": [2, 5], "timestamp": [9, 9]}
    write_ratings(tmp_path)
    pq.write_table(pa.table(rows), tmp_path / "ratings.parquet")
    assert sole_events(Ciao(path=str(tmp_path)).load()).events["rating"][:] == [5.0]


def test_the_version_without_ratings_has_its_own_splits(tmp_path: Path) -> None:
    table = {
        "user_id": [5, 0, 5, 0],
        "item_id": [2, 1, 0, 2],
        "rating": [1.0] * 4,
        "split": ["test", "train", "train", "validation"],
    }
    pq.write_table(pa.table(table), tmp_path / "interactions.parquet")
    trust = {"user_id": [0, 5], "trusts_user_id": [5, 0]}
    pq.write_table(pa.table(trust), tmp_path / "trust.parquet")
    categories = {"item_id": [0, 1, 1, 3], "category_id": [4, 5, 0, 2]}
    pq.write_table(pa.table(categories), tmp_path / "item_category.parquet")
    data = Ciao("ciao", path=str(tmp_path)).load()
    found = sole_events(data)
    assert data.catalogue["product_id"][:] == ["0", "1", "2", "3"]
    assert data.catalogue["category"][:] == ["4", "5", None, "2"]
    assert found.events.column_names == ["user", "product"]
    assert found.events["user"][:] == [0, 0, 5, 5]
    assert found.events["product"][:] == [1, 2, 2, 0]
    assert split_rows(found.splits) == {"train": [0, 3], "validation": [1], "test": [2]}


def test_damaged_ratings(tmp_path: Path) -> None:
    source = Ciao(path=str(tmp_path))
    with pytest.raises(LikewiseError, match=r"no ratings\.parquet or .* in "):
        source.load()
    savemat(tmp_path / "rating.mat", {"rating": np.array(RATINGS, float)[:, :5]})
    with pytest.raises(LikewiseError, match=r"has no trustnetwork\.mat"):
        source.load()
    savemat(tmp_path / "trustnetwork.mat", {"trustnetwork": np.array(TRUSTS)})
    with pytest.raises(LikewiseError, match=r"one matrix of 6 columns .*the version with times"):
        source.load()
    (tmp_path / "rating.mat").write_bytes((tmp_path / "rating.mat").read_bytes()[:150])
    with pytest.raises(LikewiseError, match=r"rating\.mat is damaged"):
        source.load()
    (tmp_path / "rating.mat").unlink()
    (tmp_path / "ciao_with_rating_timestamp.zip").write_bytes(b"no archive")
    with pytest.raises(LikewiseError, match=r"\.zip is damaged"):
        source.load()
    write_ratings(tmp_path)
    for shares in ({"test_share": 0.95}, {"validation_share": 0.0}):
        with pytest.raises(LikewiseError, match="above 0 with a sum below 1"):
            Ciao(path=str(tmp_path), **shares).load()
    pq.write_table(pa.table({"user_id": [1]}), tmp_path / "trust.parquet")
    with pytest.raises(LikewiseError, match=r"trust\.parquet has no column trusts_user_id"):
        source.load()


def test_the_archive_is_downloaded(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = (write_archive(tmp_path / "remote") / "ciao_with_rating_timestamp.zip").as_uri()
    home = tmp_path / "home"
    assert len(sole_events(Ciao(path=str(home), download=True, url=url).load()).events) == 4
    assert [file.name for file in home.iterdir()] == ["ciao_with_rating_timestamp.zip"]


def test_a_download_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    url = (write_archive(tmp_path / "remote") / "ciao_with_rating_timestamp.zip").as_uri()
    hashes = {"ciao_with_rating_timestamp.zip": "0" * 64}
    with pytest.raises(LikewiseError, match=r"could not be downloaded .*hash"):
        Ciao(path=str(tmp_path / "home"), download=True, url=url, sha256=hashes).load()


@needs_data
def test_real_ratings() -> None:
    found = sole_events(Ciao().load())
    assert (len(found.events), len(found.trust)) == (36065 - 230, 57544)
    implicit = sole_events(Ciao("ciao").load())
    counts = {name: len(rows) for name, rows in implicit.splits.items()}
    assert counts == {"train": 23223, "validation": 3317, "test": 6635}
