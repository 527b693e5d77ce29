"""The matrix product that exact search spends its time on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def multiply(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """a bᵀ, float32 [n, m], of float32 [n, d] and [m, d]; without gradients.

    Args:
        out: float32 [n, m] to hold the product.
    """
    if a.device.type != "cpu" or not _numpy_is_faster():
        return torch.mm(a, b.T, out=out)
    product = torch.empty(len(a), len(b)) if out is None else out
    np.matmul(a.numpy(), b.numpy().T, out=product.numpy())
    return product


@lru_cache(maxsize=1)
def _numpy_is_faster() -> bool:
    """Whether this processor is one on which torch's library multiplies slowly.

    Intel's MKL, which torch uses, chooses its slower kernels on processors of AMD: on an EPYC with
    AVX-512 it reached 109 GFLOP/s a core where OpenBLAS, which numpy uses, reached 246. The answer
    depends on the processor alone, so that a machine always gives the same numbers.
    """
    if not torch.backends.mkl.is_available():
        return False
    described = Path("/proc/cpuinfo")
    return described.is_file() and "AuthenticAMD" in described.read_text(errors="replace")
