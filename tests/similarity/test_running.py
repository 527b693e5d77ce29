"""The running top-k against a stable sort of whole rows."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likewise.similarity import running
from likewise.similarity.running import RunningTopk, largest


def stable(keys: Tensor, k: int) -> tuple[Tensor, Tensor]:
    values, columns = keys.sort(dim=1, descending=True, stable=True)
    return values[:, :k], columns[:, :k]


def run(keys: Tensor, k: int, widths: int) -> tuple[Tensor, Tensor]:
    top = RunningTopk(len(keys), k, keys.device)
    for tile in keys.split(widths, dim=1):
        top.add(tile.clone())
    return top.best()


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(1, 6),
    n=st.integers(1, 300),
    k=st.integers(1, 40),
    width=st.integers(1, 90),
    levels=st.sampled_from([1, 3, 50, 10_000]),
    order=st.sampled_from(["random", "rising", "falling", "some rise"]),
    seed=st.integers(0, 99),
)
def test_any_tiles_orders_and_ties(
    rows: int, n: int, k: int, width: int, levels: int, order: str, seed: int
) -> None:
    """Rising keys crowd every tile; few levels make ties, also at the k-th place."""
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randint(levels, (rows, n), generator=generator).float()
    if order != "random":
        part = slice(None, None, 2 if order == "some rise" else 1)
        keys[part] = keys[part].sort(dim=1, descending=order == "falling").values
    k = min(k, n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "GROUP", 4)
        patch.setattr(running, "SEED", 2)
        found, columns = run(keys, k, width)
    expected = stable(keys, k)
    assert torch.equal(found, expected[0])
    assert torch.equal(columns, expected[1])


def test_few_keys_wait_after_the_first_tiles() -> None:
    """The threshold spares later tiles: 64 times the columns keep a few times k keys."""
    keys = torch.rand(8, 64 * 256, generator=torch.Generator().manual_seed(0))
    top = RunningTopk(8, 5, keys.device)
    kept = 0
    for tile in keys.split(256, dim=1):
        before = int(top.waiting.sum())
        top.add(tile)
        kept += max(0, int(top.waiting.sum()) - before)
    assert kept < 8 * 5 * 20
    assert torch.equal(top.best()[1], stable(keys, 5)[1])


def test_largest_is_a_stable_sort() -> None:
    keys = torch.tensor([[1.0, 2, 2, 2, 0], [5, 4, 3, 2, 1], [7, 7, 7, 7, 7]])
    for k in range(1, 6):
        found, columns = largest(keys, k)
        assert torch.equal(found, stable(keys, k)[0])
        assert torch.equal(columns, stable(keys, k)[1])
    assert largest(keys, 9)[1].shape == (3, 5)
