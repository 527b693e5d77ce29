"""The product that search uses equals torch's, whichever library makes it."""

from __future__ import annotations

import pytest
import torch

from likewise.similarity import multiply as module
from likewise.similarity.multiply import multiply


@pytest.mark.parametrize("by_numpy", [True, False])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 300, 5), (64, 2, 128)])
def test_equals_torch_with_and_without_a_place_for_it(
    by_numpy: bool, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_numpy_is_faster", lambda: by_numpy)
    n, m, d = shape
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, d, generator=generator) for size in (n, m))
    expected = (a.double() @ b.double().T).float()
    torch.testing.assert_close(multiply(a, b), expected, atol=1e-5, rtol=1e-5)
    place = torch.full((2 * n * m,), torch.nan)[: n * m].view(n, m)
    assert multiply(a, b, place).data_ptr() == place.data_ptr()
    torch.testing.assert_close(place, expected, atol=1e-5, rtol=1e-5)
    # Rows of a larger table, as a search reads them.
    torch.testing.assert_close(multiply(a[::1], b[: m // 2 + 1]), expected[:, : m // 2 + 1])
