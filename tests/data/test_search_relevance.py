"""Graded search results in every layout they come in."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import needs_data

from likewise.data.relevance import Groups, Judgements
from likewise.data.sources.search_relevance import SearchRelevance
from likewise.errors import LikewiseError

SEARCH = [
    # id, product_uid, product_title, search_term, relevance
    (2, 100001, "Angle, 12-Gauge", "angle bracket", 3.0),
    (3, 100001, "Angle, 12-Gauge", "l bracket", 2.5),
    (9, 100002, "Café table", "deck over", 1.33),
    (16, 100005, "Shower head", "rain shower head", 2.33),
    (17, 100002, "Cafe table", "angle bracket", 1.0),
]
SEARCH_COLUMNS = ("id", "product_uid", "product_title", "search_term", "relevance")


def search_table() -> pa.Table:
    return pa.table(dict(zip(SEARCH_COLUMNS, map(list, zip(*SEARCH, strict=True)), strict=True)))


def search_csv() -> bytes:
    rows = [f'{i},{uid},"{title}","{term}",{grade}' for i, uid, title, term, grade in SEARCH]
    return "\r\n".join([",".join(SEARCH_COLUMNS), *rows, ""]).encode("latin-1")


@pytest.mark.parametrize("layout", ["parquet", "csv", "zip"])
def test_search_results_and_their_grades(tmp_path: Path, layout: str) -> None:
    if layout == "parquet":
        pq.write_table(search_table(), tmp_path / "judgements.parquet")
    elif layout == "csv":
        (tmp_path / "train.csv").write_bytes(search_csv())
    else:
        with zipfile.ZipFile(tmp_path / "train.csv.zip", "w") as archive:
            archive.writestr("train.csv", search_csv())
    data = SearchRelevance(str(tmp_path)).load()
    judgements = data.get(Judgements)
    assert data.catalogue["product_id"][:] == ["100001", "100002", "100005"]
    assert data.catalogue["title"][:] == ["Angle, 12-Gauge", "Café table", "Shower head"]
    assert judgements.queries == ["angle bracket", "l bracket", "deck over", "rain shower head"]
    assert judgements.query.tolist() == [0, 1, 2, 3, 0]
    assert judgements.product.tolist() == [0, 0, 1, 2, 1]
    assert judgements.grades.tolist() == [3.0, 2.5, 1.33, 2.33, 1.0]
    assert not data.has(Groups)
    assert data.findings == ["products with more than one title, of which the first is kept: 1"]
    # SHA-1 (sha1sum) of the four texts, modulo 100: 51, 10, 9 and 90; from 80 on they are test.
    found = {name: rows.tolist() for name, rows in judgements.splits.items()}
    assert found == {"train": [0, 1, 2, 4], "validation": [], "test": [3]}


def test_queries_are_split_by_the_file_or_by_hash(tmp_path: Path) -> None:
    pq.write_table(search_table(), tmp_path / "judgements.parquet")
    by_hash = SearchRelevance(str(tmp_path)).load()
    splits = {
        "search_term": ["l bracket", "angle bracket", "rain shower head", "deck over"],
        "split": ["train", "test", "train", "validation"],
    }
    pq.write_table(pa.table(splits), tmp_path / "query_splits.parquet")
    data = SearchRelevance(str(tmp_path)).load()
    found = {name: rows.tolist() for name, rows in data.get(Judgements).splits.items()}
    assert found == {"train": [1, 3], "validation": [2], "test": [0, 4]}
    # A product belongs to the first split that judges it.
    found = {name: rows.tolist() for name, rows in data.splits.items()}
    assert found == {"train": [0, 2], "validation": [1], "test": []}
    assert data.fingerprint != by_hash.fingerprint
    splits = {name: values[1:] for name, values in splits.items()}
    pq.write_table(pa.table(splits), tmp_path / "query_splits.parquet")
    with pytest.raises(LikewiseError, match="no split for the search term 'l bracket'"):
        SearchRelevance(str(tmp_path)).load()


def test_hash_split_has_its_shares(tmp_path: Path) -> None:
    count = 3000
    table = {
        "product_uid": list(range(count)),
        "product_title": ["a title"] * count,
        "search_term": [f"term {number}" for number in range(count)],
        "relevance": [2.0] * count,
    }
    pq.write_table(pa.table(table), tmp_path / "judgements.parquet")
    judgements = SearchRelevance(str(tmp_path)).load().get(Judgements)
    shares = [len(judgements.splits[n]) / count for n in ("train", "validation", "test")]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.03)


def test_damaged_judgements(tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match=r"no judgements\.parquet or train\.csv .*its rules"):
        SearchRelevance(str(tmp_path)).load()
    (tmp_path / "train.csv").write_bytes(search_csv().replace(b",2.5", b","))
    with pytest.raises(LikewiseError, match="judgements without a number in relevance"):
        SearchRelevance(str(tmp_path)).load()
    (tmp_path / "train.csv").write_bytes(search_csv().replace(b"search_term", b"query"))
    with pytest.raises(LikewiseError, match="has no column search_term"):
        SearchRelevance(str(tmp_path)).load()
    (tmp_path / "train.csv").unlink()
    (tmp_path / "train.csv.zip").write_bytes(b"PK no archive")
    with pytest.raises(LikewiseError, match=r"train\.csv\.zip is damaged"):
        SearchRelevance(str(tmp_path)).load()


@needs_data
def test_real_queries_hash_to_the_published_splits(tmp_path: Path) -> None:
    root = Path(os.environ["LIKEWISE_DATA"]) / "home_depot_search"
    (tmp_path / "judgements.parquet").symlink_to((root / "judgements.parquet").resolve())
    by_hash, by_file = SearchRelevance(str(tmp_path)).load(), SearchRelevance(str(root)).load()
    for name, rows in by_file.get(Judgements).splits.items():
        assert np.array_equal(by_hash.get(Judgements).splits[name], rows)
