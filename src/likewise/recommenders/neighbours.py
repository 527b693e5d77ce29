"""The largest entries of each row of a sparse matrix."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix


def keep_largest(matrix: csr_matrix, k: int) -> csr_matrix:
    """The matrix with the k largest stored entries of each row; of equal ones the leftmost.

    Args:
        k: 0 keeps all.
    """
    lengths = np.diff(matrix.indptr)
    if not k or not len(lengths) or lengths.max() <= k:
        return matrix
    matrix.sort_indices()
    rows = np.repeat(np.arange(len(lengths)), lengths)
    # Stable in the columns, which are sorted within a row.
    order = np.lexsort((-matrix.data, rows))
    place = np.arange(len(rows)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = np.sort(order[place < k])
    starts = np.concatenate([[0], np.cumsum(np.minimum(lengths, k))])
    return csr_matrix((matrix.data[kept], matrix.indices[kept], starts), shape=matrix.shape)
