"""Blocked top-k against a full sort."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likewise.similarity import running, topk
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.dot import Dot
from likewise.similarity.euclidean import Euclidean
from likewise.similarity.jaccard import Jaccard
from likewise.similarity.topk import iter_topk, topk_neighbours

ALL = [Cosine(), Dot(), Euclidean(), Jaccard()]
by_name = pytest.mark.parametrize("similarity", ALL, ids=lambda similarity: similarity.name)


def collect(*arguments: object, **options: object) -> tuple[Tensor, Tensor]:
    """All blocks in one."""
    starts, keys, places = zip(*iter_topk(*arguments, **options), strict=True)
    sizes = [0, *np.cumsum([len(part) for part in keys])]
    assert list(starts) == sizes[:-1]
    return torch.cat(keys), torch.cat(places)


def check(
    queries: Tensor, gallery: Tensor, similarity: Similarity, k: int, alone: bool, **options: object
) -> None:
    """Keys are those of a full sort, and the rows are where those keys are."""
    keys, places = collect(queries, gallery, similarity, k, exclude_self=alone, **options)
    every = similarity.ranking(queries, gallery)
    if alone:
        every.fill_diagonal_(-torch.inf)
        assert (places != torch.arange(len(queries))[:, None]).all()
    expected = every.sort(dim=1, descending=True).values[:, :k]
    torch.testing.assert_close(keys, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(every.gather(1, places), keys, rtol=1e-5, atol=1e-5)
    assert all(len(set(row.tolist())) == k for row in places)
    assert (keys[:, 1:] <= keys[:, :-1]).all()
    tied = keys[:, 1:] == keys[:, :-1]
    assert (places[:, 1:] > places[:, :-1])[tied].all()


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 60),
    q=st.integers(1, 20),
    k=st.integers(1, 60),
    tile=st.integers(1, 70),
    elements=st.integers(1, 600),
    levels=st.integers(1, 4),
    seed=st.integers(0, 9),
    alone=st.booleans(),
    similarity=st.sampled_from(ALL),
)
def test_any_blocking_and_ties(
    n: int,
    q: int,
    k: int,
    tile: int,
    elements: int,
    levels: int,
    seed: int,
    alone: bool,
    similarity: Similarity,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Few levels: many equal keys.
    gallery = torch.randint(levels + 1, (n, 3), generator=generator).float()
    queries = gallery if alone else torch.randint(3, (q, 3), generator=generator).float()
    gallery, queries = similarity.prepare(gallery), similarity.prepare(queries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "TILE", tile)
        patch.setattr(topk, "DEEP_TILE", 2 * tile)
        patch.setattr(running, "SEED", 2)
        patch.setattr(running, "GROUP", 4)
        check(queries, gallery, similarity, min(k, n - alone), alone, block_elements=elements)


@by_name
@pytest.mark.parametrize("k", [1, 4, 300])
@pytest.mark.parametrize("alone", [False, True])
def test_large_tiles(similarity: Similarity, k: int, alone: bool) -> None:
    generator = torch.Generator().manual_seed(k)
    gallery = similarity.prepare(torch.rand(2500, 8, generator=generator))
    queries = gallery if alone else similarity.prepare(torch.rand(40, 8, generator=generator))
    if alone:
        gallery = queries = gallery[:799]
    check(queries, gallery, similarity, k, alone, block_elements=200_000)


@by_name
def test_memory_is_bounded(similarity: Similarity, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tile of scores is larger than asked for, however many queries and products there are."""
    monkeypatch.setattr(topk, "TILE", 64)
    shapes = []
    ranking = type(similarity).ranking

    def counted(self: Similarity, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
        shapes.append((len(a), len(b)))
        return ranking(self, a, b, out)

    monkeypatch.setattr(type(similarity), "ranking", counted)
    x = similarity.prepare(torch.rand(300, 4, generator=torch.Generator().manual_seed(0)))
    collect(x, x, similarity, 5, exclude_self=True, block_elements=2_000)
    assert max(rows * columns for rows, columns in shapes) <= 2_000
    assert sum(rows * columns for rows, columns in shapes) == 90_000


@by_name
def test_neighbours_have_natural_values(similarity: Similarity) -> None:
    x = torch.rand(50, 6, generator=torch.Generator().manual_seed(0))
    values, rows = topk_neighbours(x, None, similarity, 4)
    torch.testing.assert_close(values, similarity.matrix(x).gather(1, rows))
    assert rows.dtype == torch.int64
    again = topk_neighbours(x, x, similarity, 4, exclude_self=True)
    assert torch.equal(again[1], rows)
    own = topk_neighbours(x[:9], x, similarity, 1)[1]
    if similarity.name != "dot":
        assert own.flatten().tolist() == list(range(9))


def test_k_is_clamped_and_nothing_to_find_is_said() -> None:
    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    assert topk_neighbours(x, None, Cosine(), 99)[0].shape == (5, 4)
    assert topk_neighbours(x, x[:2], Cosine(), 99)[0].shape == (5, 2)
    assert collect(x, x, Cosine(), 99, exclude_self=True)[1].shape == (5, 4)
    with pytest.raises(ValueError, match="no other product"):
        topk_neighbours(x[:1], None, Cosine(), 3)


def test_euclidean_far_from_the_origin() -> None:
    """Values come from differences, so near products keep their digits."""
    x = torch.rand(20, 4, generator=torch.Generator().manual_seed(0)) + 50
    values, rows = topk_neighbours(x, None, Euclidean(), 3)
    expected = (x[:, None] - x[rows]).double().norm(dim=2)
    torch.testing.assert_close(values.double(), expected, rtol=1e-5, atol=0)
