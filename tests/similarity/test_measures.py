"""Each measure against plain loops, and against its distance for the losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import jaccard_score

from likewise.errors import LikewiseError
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.dot import Dot
from likewise.similarity.euclidean import Euclidean
from likewise.similarity.jaccard import Jaccard

ALL = [Cosine(), Dot(), Euclidean(), Jaccard()]
by_name = pytest.mark.parametrize("similarity", ALL, ids=lambda similarity: similarity.name)


def naive(name: str, x: np.ndarray, y: np.ndarray) -> float:
    """The textbook formula in float64."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    if name == "dot":
        return sum(a * b for a, b in zip(x, y, strict=True))
    if name == "cosine":
        norms = math.sqrt((x * x).sum()) * math.sqrt((y * y).sum())
        return float(x @ y) / norms if norms else 0.0
    if name == "euclidean":
        return math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    union = sum(max(a, b) for a, b in zip(x, y, strict=True))
    return sum(min(a, b) for a, b in zip(x, y, strict=True)) / union if union else 1.0


def table(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All pairs of ``naive``."""
    return np.array([[naive(name, a, b) for b in y] for a in x])


# Sixteenths are exact in float32 and make ties and zero vectors likely.
components = st.integers(0, 64).map(lambda number: number / 16)
vectors = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float32, (shape[0], shape[2]), elements=components),
        arrays(np.float32, (shape[1], shape[2]), elements=components),
    )
)


@by_name
@settings(max_examples=30, deadline=None)
@given(sides=vectors)
def test_matrix_is_the_formula(
    similarity: Similarity, sides: tuple[np.ndarray, np.ndarray]
) -> None:
    x, y = sides
    values = similarity.matrix(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(values, table(similarity.name, x, y), rtol=1e-5, atol=1e-6)


@by_name
@settings(max_examples=30, deadline=None)
@given(sides=vectors)
def test_pairs_block_and_ranking_agree(
    similarity: Similarity, sides: tuple[np.ndarray, np.ndarray]
) -> None:
    a, b = (similarity.prepare(torch.from_numpy(side)) for side in sides)
    values = similarity.block(a, b)
    rows, columns = torch.meshgrid(torch.arange(len(a)), torch.arange(len(b)), indexing="ij")
    pairs = similarity.pairs(a[rows.flatten()], b[columns.flatten()]).reshape(len(a), len(b))
    torch.testing.assert_close(values, pairs, rtol=1e-5, atol=1e-6)
    fallback = Similarity.pairs(similarity, a[rows.flatten()], b[columns.flatten()])
    torch.testing.assert_close(fallback, pairs.flatten(), rtol=1e-5, atol=1e-6)
    # The order by key is the order by value.
    best_first = similarity.ranking(a, b).argsort(dim=1, descending=True)
    ordered = values.gather(1, best_first) * (1 if similarity.larger_is_closer else -1)
    assert (ordered[:, 1:] <= ordered[:, :-1] + 1e-5).all()


@by_name
@settings(max_examples=30, deadline=None)
@given(sides=vectors)
def test_symmetric_and_closest_to_itself(
    similarity: Similarity, sides: tuple[np.ndarray, np.ndarray]
) -> None:
    x = torch.from_numpy(sides[0])
    values = similarity.matrix(x)
    torch.testing.assert_close(values, values.T)
    if similarity.name == "euclidean":
        assert (values.diagonal() == 0).all()
    elif similarity.name == "jaccard":
        assert (values.diagonal() == 1).all()
        assert ((values >= 0) & (values <= 1)).all()
    elif similarity.name == "cosine":
        assert (values.abs() <= 1 + 1e-6).all()


def test_worked_example() -> None:
    """x = (1, 2, 3), y = (4, 5, 6); a survey's article prints a cosine of 0.649, which is wrong."""
    x, y = torch.tensor([[1.0, 2, 3]]), torch.tensor([[4.0, 5, 6]])
    assert Euclidean().matrix(x, y).item() == pytest.approx(3 * math.sqrt(3))
    assert Cosine().matrix(x, y).item() == pytest.approx(32 / math.sqrt(1078))
    assert Cosine().matrix(x, y).item() == pytest.approx(0.9746, abs=1e-4)
    assert Dot().matrix(x, y).item() == 32
    assert Jaccard().matrix(x, y).item() == pytest.approx(6 / 15)


def test_jaccard_of_sets_is_sklearns() -> None:
    x = np.random.default_rng(0).integers(0, 2, (12, 30))
    x[:, 0] = 1
    found = Jaccard().matrix(torch.from_numpy(x)).numpy()
    expected = [[jaccard_score(a, b) for b in x] for a in x]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_jaccard_of_two_empty_sets_is_one() -> None:
    empty, full = torch.zeros(1, 4), torch.ones(1, 4)
    distance = Jaccard().distance()
    assert Jaccard().matrix(empty).item() == 1
    assert Jaccard().matrix(empty, full).item() == 0
    assert distance(empty).item() == 1
    assert distance.pairwise_distance(empty, empty).item() == 1


def test_jaccard_refuses_negative_components() -> None:
    with pytest.raises(ValueError, match=r"non-negative.*cosine, dot or euclidean"):
        Jaccard().prepare(torch.tensor([[1.0, -0.5]]))


@by_name
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_broken_embeddings_are_refused(similarity: Similarity, bad: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity") as caught:
        similarity.prepare(torch.tensor([[1.0, bad]]))
    # The command line prints it as one sentence.
    assert isinstance(caught.value, LikewiseError)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"must be \[n, d\]"):
        similarity.prepare(torch.ones(3))


@by_name
def test_losses_train_by_the_same_measure(similarity: Similarity) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(6, 4, generator=generator, requires_grad=True)
    y = torch.rand(5, 4, generator=generator)
    distance = similarity.distance()
    assert distance.is_inverted == similarity.larger_is_closer
    torch.testing.assert_close(distance(x, y), similarity.matrix(x, y))
    left, right = (distance.maybe_normalize(side) for side in (x[:5], y))
    torch.testing.assert_close(
        distance.pairwise_distance(left, right), similarity.matrix(x[:5], y).diagonal()
    )
    distance(x, y).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0


def test_jaccard_gradient() -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(Jaccard().distance().compute_mat, (x, y))
    empty = torch.zeros(2, 4, requires_grad=True)
    Jaccard().distance()(empty).sum().backward()
    assert empty.grad is not None
    assert empty.grad.isfinite().all()
