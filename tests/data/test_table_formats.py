"""The same table in every format."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.data.relevance import Groups
from likewise.data.sources.table import TableSource

pytestmark = pytest.mark.usefixtures("cache")


def rows_of(path: Path, **options: object) -> list[dict]:
    return TableSource(str(path), split_by="product", **options).load().catalogue.to_list()


def test_all_formats_read_the_same(tmp_path: Path) -> None:
    rows = [
        {
            "product_id": f"{row}",
            "title": f"Ding {row} 杯",
            "price": row + 0.5,
            "group": "ab"[row % 2],
        }
        for row in range(20)
    ]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    for name, delimiter, encoding in (
        ("a.csv", ",", "utf-8-sig"),
        ("b.csv", ";", "utf-8"),
        ("c.csv", ",", "gb18030"),
        ("a.tsv", "\t", "utf-8"),
    ):
        with (tmp_path / name).open("w", newline="", encoding=encoding) as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    hub = tmp_path / "owner" / "name"
    hub.mkdir(parents=True)
    pq.write_table(table, hub / "data.parquet")
    expected = [{key: row[key] for key in ("product_id", "title", "price")} for row in rows]
    for name in ("a.parquet", "a.jsonl", "a.json", "a.csv", "b.csv", "a.tsv", "owner/name"):
        assert rows_of(tmp_path / name) == expected, name
    assert rows_of(tmp_path / "c.csv", encoding="gb18030") == expected


def test_a_hub_data_set_has_its_splits_and_label_names(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"title": datasets.Value("string"), "label": datasets.ClassLabel(names=["cup", "rug"])}
    )
    for split, count in (("train", 8), ("validation", 4), ("test", 4)):
        part = {"title": [f"{split} {row}" for row in range(count)], "label": [0, 1] * (count // 2)}
        datasets.Dataset.from_dict(part, features=features).to_parquet(
            tmp_path / "hub" / "data" / f"{split}-0.parquet"
        )
    data = TableSource(str(tmp_path / "hub"), {"group": "label"}).load()
    assert {name: len(rows) for name, rows in data.splits.items()} == {
        "train": 8,
        "validation": 4,
        "test": 4,
    }
    assert data.get(Groups).names == ["cup", "rug"]
    assert data.catalogue[int(data.splits["test"][0])]["title"] == "test 0"
