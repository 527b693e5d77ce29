"""The largest entries of each row of a sparse matrix, and rows in blocks that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix

# Entries of a block of rows before the largest are kept; some 20 bytes each.
BLOCK = 1 << 24


def row_blocks(entries: np.ndarray, limit: int = BLOCK) -> Iterator[slice]:
    """Consecutive rows that have at most ``limit`` entries together, or a single row.

    Args:
        entries: int [n], upper bounds of the entries of each row.
    """
    ends = np.cumsum(entries)
    start = 0
    while start < len(entries):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + limit, side="right")))
        yield slice(start, stop)
        start = stop


def without_diagonal(block: csr_matrix, first: int) -> csr_matrix:
    """The block in place, without the products themselves.

    Args:
        block: [b, n], consecutive rows of a square matrix.
        first: the row of that matrix where the block begins.
    """
    rows = first + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    block.data[rows == block.indices] = 0
    block.eliminate_zeros()
    return block


def keep_largest(matrix: csr_matrix, k: int) -> csr_matrix:
    """The matrix with the k largest stored entries of each row; of equal ones the leftmost.

    Args:
        matrix: float32.
        k: 0 keeps all.
    """
    lengths = np.diff(matrix.indptr)
    if not k or not len(lengths) or lengths.max() <= k:
        return matrix
    matrix.sort_indices()
    rows = np.repeat(np.arange(len(lengths)), lengths)
    # One sort of integers (row, value in descending order) finds the k-th largest of each row.
    bits = matrix.data.astype(np.float32).view(np.int32)
    ascending = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    key = (rows << 32) + (2**31 - ascending)
    starts, long = matrix.indptr[:-1], lengths > k
    limit = np.full(len(lengths), np.iinfo(np.int64).max)
    limit[long] = np.sort(key)[starts[long] + k - 1]
    above, equal = key < limit[rows], key == limit[rows]
    missing = k - _in_rows(above, matrix.indptr)
    before = np.cumsum(equal) - equal
    nth = before - np.repeat(before[np.minimum(starts, len(rows) - 1)], lengths)
    kept = above | (equal & (nth < missing[rows]))
    ends = np.cumsum(_in_rows(kept, matrix.indptr))
    return csr_matrix(
        (matrix.data[kept], matrix.indices[kept], np.concatenate([[0], ends])), shape=matrix.shape
    )


def _in_rows(flags: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """int64 [n], how many entries of each row are true."""
    return np.diff(np.concatenate([[0], np.cumsum(flags)])[starts])
