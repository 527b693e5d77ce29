"""Products of matrices against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from likewise.similarity.multiply import inner_products


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (3, 1000, 128), (257, 33, 5), (0, 4, 2)])
def test_products_are_those_of_double_precision(n: int, m: int, d: int) -> None:
    """Whatever the shape, and whether rows lie beside each other in memory or not."""
    generator = torch.Generator().manual_seed(n + m + d)
    a = torch.randn(n, 2 * d, generator=generator)[:, ::2]
    b = torch.randn(m, d, generator=generator)
    exact = a.double().numpy() @ b.double().numpy().T
    found = inner_products(a, b, torch.empty(n, m))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), exact, atol=1e-5 * d)


def test_products_can_be_differentiated() -> None:
    """A loss may be taken of them."""
    a, b = torch.ones(2, 3, requires_grad=True), torch.arange(12.0).view(4, 3)
    inner_products(a, b).sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [[18.0, 22.0, 26.0]] * 2
