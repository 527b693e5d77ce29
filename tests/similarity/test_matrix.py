"""Matrices and pairs on disk."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.similarity import matrix
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.euclidean import Euclidean
from likewise.similarity.jaccard import Jaccard
from likewise.similarity.matrix import write_matrix, write_pairs

IDS = [f"product-{number}" for number in range(70)]


@pytest.fixture
def embeddings() -> Tensor:
    return torch.rand(70, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean(), Jaccard()], ids=lambda s: s.name)
def test_full_matrix(tmp_path: Path, embeddings: Tensor, similarity: Similarity) -> None:
    path = tmp_path / "new folder" / "matrix.npy"
    write_matrix(embeddings, similarity, path, block_rows=16)
    written = np.load(path, mmap_mode="r")
    assert written.dtype == np.float32
    np.testing.assert_allclose(written, similarity.matrix(embeddings).numpy(), atol=1e-6)
    assert [file.name for file in path.parent.iterdir()] == ["matrix.npy"]


def test_a_full_disk_is_said_beforehand(
    tmp_path: Path, embeddings: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2000, 1000, 1000))
    with pytest.raises(OSError, match="GB free; write pairs") as caught:
        write_matrix(embeddings, Cosine(), tmp_path / "matrix.npy")
    assert isinstance(caught.value, LikewiseError)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_what_was_there(tmp_path: Path, embeddings: Tensor) -> None:
    class Broken(Cosine):
        def block(self, a: Tensor, b: Tensor) -> Tensor:
            raise KeyboardInterrupt

    for name, write in (
        ("m.npy", lambda path: write_matrix(embeddings, Broken(), path)),
        ("p.parquet", lambda path: write_pairs(embeddings, IDS, Broken(), path, threshold=0.5)),
    ):
        (tmp_path / name).write_text("earlier")
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / name)
        assert (tmp_path / name).read_text() == "earlier"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("similarity", "threshold"), [(Cosine(), 0.9), (Euclidean(), 0.6)], ids=["cosine", "euclidean"]
)
def test_pairs_by_threshold(
    tmp_path: Path,
    embeddings: Tensor,
    similarity: Similarity,
    threshold: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(matrix, "BLOCK_ROWS", 16)
    monkeypatch.setattr(matrix, "TILE_COLUMNS", 24)
    path = tmp_path / "pairs.parquet"
    write_pairs(embeddings, IDS, similarity, path, threshold=threshold)
    table = pq.read_table(path)
    assert table.column_names == ["left_id", "right_id", "similarity"]
    every = similarity.matrix(embeddings)
    near = every >= threshold if similarity.larger_is_closer else every <= threshold
    rows, columns = near.triu(1).nonzero(as_tuple=True)
    expected = {
        (IDS[row], IDS[column]): float(every[row, column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    }
    found = {(row["left_id"], row["right_id"]): row["similarity"] for row in table.to_pylist()}
    assert len(found) == len(table) > 0
    assert found == pytest.approx(expected, abs=1e-6)


def test_equal_products_reach_a_threshold_of_one(tmp_path: Path) -> None:
    x = torch.rand(1, 128, generator=torch.Generator().manual_seed(0)).expand(40, -1)
    write_pairs(x, IDS[:40], Jaccard(), tmp_path / "pairs.parquet", threshold=1.0)
    assert pq.read_metadata(tmp_path / "pairs.parquet").num_rows == 40 * 39 / 2


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean()], ids=lambda s: s.name)
def test_pairs_by_top_k(tmp_path: Path, embeddings: Tensor, similarity: Similarity) -> None:
    path = tmp_path / "pairs.parquet"
    write_pairs(embeddings, IDS, similarity, path, top_k=3)
    rows = pq.read_table(path).to_pylist()
    assert len(rows) == 210
    every = similarity.matrix(embeddings).numpy()
    sign = -1 if similarity.larger_is_closer else 1
    for number, row in enumerate(rows):
        left, right = IDS.index(row["left_id"]), IDS.index(row["right_id"])
        assert (left, row["rank"]) == (number // 3, number % 3 + 1)
        assert left != right
        others = sorted(sign * np.delete(every[left], left))
        assert row["similarity"] == pytest.approx(sign * others[row["rank"] - 1], abs=1e-5)
    write_pairs(embeddings, IDS, similarity, path, top_k=500)
    assert pq.read_metadata(path).num_rows == 70 * 69


def test_mistakes_are_one_sentence(tmp_path: Path, embeddings: Tensor) -> None:
    path = tmp_path / "pairs.parquet"
    for options in ({}, {"threshold": 0.5, "top_k": 3}):
        with pytest.raises(ValueError, match="either a threshold or a top-k"):
            write_pairs(embeddings, IDS, Cosine(), path, **options)
    with pytest.raises(ValueError, match="finds nothing"):
        write_pairs(embeddings, IDS, Cosine(), path, top_k=0)
    with pytest.raises(ValueError, match="2 product ids do not fit 70"):
        write_pairs(embeddings, IDS[:2], Cosine(), path, top_k=1)
    assert list(tmp_path.iterdir()) == []
