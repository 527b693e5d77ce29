"""Writing of similarity matrices and of similar pairs to disk."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from likewise.atomic import atomic
from likewise.errors import LikewiseError
from likewise.similarity.base import Similarity, UnusableInput
from likewise.similarity.topk import iter_topk

BLOCK_ROWS = 256
TILE_COLUMNS = 4096


class NoRoom(LikewiseError, OSError):
    """Raised if the disk has no room for the matrix."""


def write_matrix(
    embeddings: Tensor, similarity: Similarity, path: Path, block_rows: int = BLOCK_ROWS
) -> None:
    """Write all n × n natural values as a float32 ``.npy`` file, ``block_rows`` rows at a time.

    Read it with ``numpy.load(path, mmap_mode="r")``.

    Args:
        embeddings: float [n, d].

    Raises:
        NoRoom: an ``OSError``, before anything is written.
    """
    n = len(embeddings)
    path.parent.mkdir(parents=True, exist_ok=True)
    needed, free = 4 * n * n, shutil.disk_usage(path.parent).free
    if needed > free:
        raise NoRoom(
            f"the {n} × {n} matrix needs {needed / 1e9:.1f} GB but {path.parent} has "
            f"{free / 1e9:.1f} GB free; write pairs (top-k or a threshold) instead"
        )
    prepared = similarity.prepare(embeddings)
    with atomic(path) as partial:
        matrix = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(n, n))
        for start in range(0, n, block_rows):
            stop = start + block_rows
            matrix[start:stop] = similarity.block(prepared[start:stop], prepared).cpu().numpy()
        matrix.flush()


def write_pairs(
    embeddings: Tensor,
    product_ids: Sequence[str],
    similarity: Similarity,
    path: Path,
    *,
    threshold: float | None = None,
    top_k: int | None = None,
) -> None:
    """Write ``left_id, right_id, similarity`` of similar pairs as Parquet, in blocks.

    Args:
        embeddings: float [n, d].
        product_ids: the ids of the rows.
        threshold: write every unordered pair with at least this similarity (or at most this
            distance).
        top_k: write this many nearest products of each product, with a column ``rank`` from 1.
            Give either ``threshold`` or ``top_k``.

    Raises:
        UnusableInput: a ``ValueError``, for options that cannot be used.
    """
    if threshold is not None and math.isnan(threshold):
        raise UnusableInput("the threshold is not a number")
    if (threshold is None) == (top_k is None):
        raise UnusableInput("give either a threshold or a top-k, not both")
    ids = np.asarray(product_ids, dtype=str)
    if len(ids) != len(embeddings):
        raise UnusableInput(f"{len(ids)} product ids do not fit {len(embeddings)} embeddings")
    path.parent.mkdir(parents=True, exist_ok=True)
    prepared = similarity.prepare(embeddings)
    fields = [("left_id", pa.string()), ("right_id", pa.string()), ("similarity", pa.float32())]
    if top_k is not None:
        fields.append(("rank", pa.int32()))
    schema = pa.schema(fields)
    with atomic(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        if top_k is not None:
            k = min(top_k, len(ids) - 1)
            if k < 1:
                raise UnusableInput(f"top_k={top_k} finds nothing among {len(ids)} product(s)")
            for start, _, found in iter_topk(prepared, prepared, similarity, k, exclude_self=True):
                left = np.repeat(np.arange(start, start + len(found)), k)
                right = found.flatten().cpu().numpy()
                ranks = np.tile(np.arange(1, k + 1, dtype=np.int32), len(found))
                values = _values(prepared, similarity, left, right)
                _write(writer, schema, ids, left, right, values, ranks)
        elif threshold is not None:
            for left, right, values in _alike(prepared, similarity, threshold):
                _write(writer, schema, ids, left, right, values, None)


def _alike(
    prepared: Tensor, similarity: Similarity, threshold: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the similar pairs i < j and their values, from tiles of at most 256 × 4096 pairs."""
    # The values of a block differ in the last digits from those written, so it only proposes pairs.
    slack = 1e-5 * (1 + abs(threshold))
    for start in range(0, len(prepared), BLOCK_ROWS):
        rows = prepared[start : start + BLOCK_ROWS]
        for first in range(start, len(prepared), TILE_COLUMNS):
            values = similarity.block(rows, prepared[first : first + TILE_COLUMNS])
            if similarity.larger_is_closer:
                near = values >= threshold - slack
            else:
                near = values <= threshold + slack
            places = near.triu(diagonal=start - first + 1).nonzero().cpu().numpy()
            left, right = places[:, 0] + start, places[:, 1] + first
            exact = _values(prepared, similarity, left, right)
            bound = np.float32(threshold)
            kept = exact >= bound if similarity.larger_is_closer else exact <= bound
            yield left[kept], right[kept], exact[kept]


def _values(
    prepared: Tensor, similarity: Similarity, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Return the natural values of pairs of rows, float32 [p]."""
    values = np.empty(len(left), dtype=np.float32)
    for first in range(0, len(left), 65_536):
        part = slice(first, first + 65_536)
        exact = similarity.pairs(prepared[left[part]], prepared[right[part]])
        values[part] = exact.cpu().numpy()
    return values


def _write(
    writer: pq.ParquetWriter,
    schema: pa.Schema,
    ids: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    values: np.ndarray,
    ranks: np.ndarray | None,
) -> None:
    """Write row groups of at most 65,536 rows."""
    for first in range(0, len(left), 65_536):
        part = slice(first, first + 65_536)
        columns = [pa.array(ids[left[part]]), pa.array(ids[right[part]]), pa.array(values[part])]
        if ranks is not None:
            columns.append(pa.array(ranks[part]))
        writer.write_table(pa.Table.from_arrays(columns, schema=schema))
