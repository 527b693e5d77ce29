"""Indexes find what a comparison with all products finds, after any changes of the catalogue."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.targets import make
from likewise.index.base import Index
from likewise.index.exact import ExactIndex
from likewise.index.ivf import IvfIndex
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.dot import Dot
from likewise.similarity.euclidean import Euclidean
from likewise.similarity.jaccard import Jaccard

MEASURES = (Cosine(), Dot(), Euclidean())
# An IVF index that looks into all of its clusters is exact.
CASES = [
    *[(ExactIndex(), measure) for measure in (*MEASURES, Jaccard())],
    *[(IvfIndex(num_lists=5, num_probes=5), measure) for measure in MEASURES],
]


def drawn(generator: np.random.Generator, count: int, size: int = 8) -> Tensor:
    """Random embeddings without negative components, which every similarity takes."""
    return torch.from_numpy(generator.random((count, size), np.float32))


def brute_force(
    known: dict[int, Tensor], queries: Tensor, measure: Similarity, k: int
) -> tuple[Tensor, np.ndarray]:
    """The k most similar of a dictionary of embeddings."""
    keys = np.array(list(known))
    values = measure.matrix(queries, torch.stack(list(known.values())))
    best = (values if measure.larger_is_closer else -values).topk(min(k, len(keys)), 1).indices
    return values.gather(1, best), keys[best.numpy()]


@pytest.mark.parametrize(("index", "measure"), CASES)
def test_random_changes_leave_what_brute_force_finds(index: Index, measure: Similarity) -> None:
    generator = np.random.default_rng(0)
    keys, first = np.arange(0, 600, 2), drawn(generator, 300)
    index.build(measure, keys, first)
    known = dict(zip(keys.tolist(), first, strict=True))
    queries = drawn(generator, 7)
    for _ in range(12):
        some = generator.choice(900, 40, replace=False)
        embeddings = drawn(generator, 40)
        index.upsert(some, embeddings)
        known |= dict(zip(some.tolist(), embeddings, strict=True))
        # Some of these are unknown, and one is named twice.
        gone = generator.choice(1000, 60, replace=False)
        index.delete(np.append(gone, gone[0]))
        known = {key: value for key, value in known.items() if key not in set(gone.tolist())}
        assert len(index) == len(known)
        values, found = index.search(queries, 10)
        expected, right = brute_force(known, queries, measure, 10)
        assert (found == right).all()
        torch.testing.assert_close(values, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("index", [ExactIndex(), IvfIndex()])
def test_an_index_can_start_and_end_empty(index: Index) -> None:
    index.build(Cosine(), np.empty(0, np.int64), torch.empty(0, 3))
    values, keys = index.search(torch.ones(2, 3), 2)
    assert (keys == -1).all()
    assert values.isnan().all()
    index.upsert(np.array([4]), torch.tensor([[1.0, 0, 0]]))
    values, keys = index.search(torch.ones(1, 3), 2)
    assert keys.tolist() == [[4, -1]]
    assert values[0, 0] == pytest.approx(3**-0.5)
    index.delete(np.array([4, 5]))
    assert len(index) == 0
    assert index.search(torch.ones(1, 3), 1)[1].tolist() == [[-1]]


def test_few_probes_find_most_after_churn() -> None:
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(50, 16))
    points = centres[generator.integers(0, 50, 6000)] + 0.3 * generator.normal(size=(6000, 16))
    embeddings = torch.from_numpy(points.astype(np.float32))
    exact, approximate = ExactIndex(), IvfIndex(num_probes=8)
    for index in (exact, approximate):
        index.build(Cosine(), np.arange(5000), embeddings[:5000])
        index.delete(np.arange(250))
        index.upsert(np.arange(250, 500), embeddings[5000:5250])
        index.upsert(np.arange(5000, 5500), embeddings[5250:5750])
    right = exact.search(embeddings[5750:], 10)[1]
    found = approximate.search(embeddings[5750:], 10)[1]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(right, found, strict=True)])
    assert recall > 0.9
    assert approximate.num_bytes > 4 * 5250 * 16


def test_mistakes_are_said_in_a_sentence() -> None:
    with pytest.raises(LikewiseError, match="index=ivf cannot search by similarity=jaccard"):
        IvfIndex().build(Jaccard(), np.arange(2), torch.ones(2, 3))
    with pytest.raises(LikewiseError, match="num_probes=0 must be at least 1"):
        IvfIndex(num_probes=0)
    with pytest.raises(LikewiseError, match="each key, from 0, only once"):
        ExactIndex().build(Dot(), np.array([1, 1]), torch.ones(2, 3))


def test_an_index_is_a_choice_of_the_config() -> None:
    assert isinstance(make(compose(["data=synthetic"]).index), ExactIndex)
    assert make(compose(["index=ivf", "index.num_probes=3"]).index).num_probes == 3
