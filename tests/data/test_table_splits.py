"""Splits and relevance of tables, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likewise.data.relevance import Groups, Pairs
from likewise.data.sources.table import TableSource
from likewise.errors import LikewiseError

pytestmark = pytest.mark.usefixtures("cache")


def write_plain(folder: Path, products: int = 100, groups: int = 20) -> Path:
    path = folder / "plain.csv"
    lines = [f"p{row},thing {row},g{row % groups}" for row in range(products)]
    path.write_text("\n".join(["product_id,title,group", *lines]))
    return path


def test_splits_are_drawn_by_group_or_by_product(tmp_path: Path) -> None:
    path = str(write_plain(tmp_path))
    data = TableSource(path).load()
    groups = {name: set(data.get(Groups).labels_of(name)) for name in data.splits}
    assert sum(map(len, groups.values())) == len(set.union(*groups.values())) == 20
    assert [len(rows) for rows in data.splits.values()] == [70, 10, 20]
    data = TableSource(path, split_by="product", shares=(0.6, 0.2, 0.2)).load()
    for name, each in (("train", 3), ("validation", 1), ("test", 1)):
        assert np.array_equal(np.bincount(data.get(Groups).labels_of(name)), [each] * 20)
    again = TableSource(path, split_by="product", shares=(0.6, 0.2, 0.2), split_seed=1).load()
    assert not np.array_equal(again.splits["test"], data.splits["test"])
    assert again.fingerprint != data.fingerprint


def test_stated_splits_without_validation(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    lines = [f"thing {row},g{row % 5},{'Test' if row < 20 else 'TRAIN'}" for row in range(100)]
    path.write_text("\n".join(["title,group,split", *lines]))
    data = TableSource(str(path), split_by="product").load()
    assert [len(rows) for rows in data.splits.values()] == [70, 10, 20]
    assert data.findings == [
        "no product is in validation, so 10 training products were drawn for it"
    ]
    path.write_text("\n".join(["title,group,split", *lines[20:]]))
    data = TableSource(str(path)).load()
    assert "puts no product into test" in data.findings[0]


def test_pairs_are_the_relevance(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("product_id,title\n" + "\n".join(f"p{row},thing {row}" for row in range(30)))
    pairs = [
        "left_id,right_id,label,split",
        "p0,p1,1,train",
        "p2,p3,0,train",
        "p4,p5,1,valid",
        "p1,p6,true,test",
        "p1,gone,1,test",
        "p1,p2,maybe,test",
        "p1,p2,1,later",
    ]
    (tmp_path / "pairs.csv").write_text("\n".join(pairs))
    data = TableSource(str(path), pairs=str(tmp_path / "pairs.csv")).load()
    assert data.get(Pairs).left.tolist() == [0, 2, 4, 1]
    assert data.get(Pairs).right.tolist() == [1, 3, 5, 6]
    assert data.get(Pairs).labels.tolist() == [1, 0, 1, 1]
    assert {name: rows.tolist() for name, rows in data.splits.items()} == {
        "train": [0, 1, 2, 3],
        "validation": [4, 5],
        "test": [1, 6],
    }
    assert [text.split(":")[0] for text in data.findings[:3]] == ["1 pair left out"] * 3
    assert [text.split(",")[0] for text in data.findings[3:]] == [
        "validation holds only pairs labelled 1",
        "test holds only pairs labelled 1",
    ]
    drawn = [f"p{row},p{row + 1},{row % 2}" for row in range(20)]
    (tmp_path / "pairs.csv").write_text("\n".join(["left_id,right_id,label", *drawn]))
    data = TableSource(str(path), pairs=str(tmp_path / "pairs.csv")).load()
    assert [len(rows) for rows in data.get(Pairs).splits.values()] == [14, 2, 4]
    assert data.get(Pairs).labels[data.get(Pairs).splits["test"]].sum() == 2


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    plain = str(write_plain(tmp_path))
    (tmp_path / "none.csv").write_text("title,group\n,a\n,b\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "twice.csv").write_text("title,title\na,b\n")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 but no more")
    (tmp_path / "a.xlsx").write_bytes(b"a")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("left,right,label\np0,p1,1\n")
    for source, sentence in (
        (TableSource(plain, {"title": "titel"}), "no column titel .* did you mean title"),
        (TableSource(plain, {"titel": "title"}), "data.columns.titel is unknown, did you mean"),
        (TableSource(plain, {"title": ["a"]}), "must be the name of one column"),
        (TableSource(plain, split_by="user"), "split_by=user must be group or product"),
        (TableSource(plain, shares=(0.5, 0.5)), "three positive numbers"),
        (TableSource(plain, image_size=0), "image_size=0 must be at least 1"),
        (TableSource(plain, image_root=str(tmp_path / "no")), "image_root=.* is not a folder"),
        (TableSource(plain, encoding="klingon"), "encoding=klingon is unknown"),
        (TableSource(plain, pairs=str(pairs)), "no column left_id"),
        (TableSource(str(tmp_path / "none.csv")), "nothing to compare them by .lines 2, 3"),
        (TableSource(str(tmp_path / "empty.csv")), "is empty"),
        (TableSource(str(tmp_path / "twice.csv")), "two columns named title"),
        (TableSource(str(tmp_path / "gone.csv")), "neither a file nor a folder"),
        (TableSource(str(tmp_path / "damaged.parquet")), "cannot be read"),
        (TableSource(str(tmp_path / "a.xlsx")), "none of the suffixes"),
    ):
        with pytest.raises(LikewiseError, match=sentence) as caught:
            source.load()
        assert "\n" not in str(caught.value)


def test_unknown_relevance_is_said(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("title\n" + "\n".join(f"thing {row}" for row in range(30)))
    data = TableSource(str(path)).load()
    assert [len(rows) for rows in data.splits.values()] == [21, 3, 6]
    assert data.relevance == ()
    assert "data.columns.group" in data.findings[0]
