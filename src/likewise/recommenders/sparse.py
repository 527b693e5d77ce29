"""A learned sparse matrix that is saved like weights."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likewise.learned import Learned

NAMES = ("starts", "columns", "values", "shape")
KINDS = (torch.int64, torch.int32, torch.float32, torch.int64)


class SparseMatrix(Learned):
    """A float32 matrix in compressed rows (CSR), as buffers."""

    starts: Tensor
    columns: Tensor
    values: Tensor
    shape: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, kind in zip(
            NAMES, (torch.int64, torch.int32, torch.float32, torch.int64), strict=True
        ):
            self.register_buffer(name, torch.empty(0, dtype=kind))

    def set(self, matrix: csr_matrix) -> None:
        """Take a matrix over."""
        self.starts = torch.from_numpy(matrix.indptr.astype(np.int64))
        self.columns = torch.from_numpy(matrix.indices.astype(np.int32))
        self.values = torch.from_numpy(matrix.data.astype(np.float32))
        self.shape = torch.tensor(matrix.shape)

    def get(self) -> csr_matrix:
        """The matrix; it shares its memory with the buffers on the CPU."""
        starts, columns, values = (getattr(self, name).cpu().numpy() for name in NAMES[:3])
        # SciPy wants one kind of integers for both.
        if len(values) < np.iinfo(np.int32).max:
            starts = starts.astype(np.int32)
        return csr_matrix((values, columns, starts), shape=tuple(self.shape.tolist()))
