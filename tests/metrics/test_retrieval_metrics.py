"""Every metric against plain loops, pytorch-metric-learning and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from sklearn.metrics import ndcg_score
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.metrics.map_at_k import MAPAtK
from likewise.metrics.map_at_r import MAPAtR
from likewise.metrics.mrr import MRR
from likewise.metrics.ndcg import NDCGAtK
from likewise.metrics.r_precision import RPrecision
from likewise.metrics.ranking import RankedBlock
from likewise.metrics.recall import RecallAtK
from likewise.metrics.retrieval import RetrievalMetric, count_relevant, evaluate_retrieval
from likewise.similarity import topk
from likewise.similarity.base import Similarity
from likewise.similarity.cosine import Cosine
from likewise.similarity.dot import Dot
from likewise.similarity.euclidean import Euclidean
from likewise.similarity.jaccard import Jaccard


def all_metrics() -> dict[str, RetrievalMetric]:
    return {
        "recall_at_1": RecallAtK(k=1),
        "recall_at_5": RecallAtK(k=5),
        "map_at_r": MAPAtR(),
        "r_precision": RPrecision(),
        "mrr": MRR(),
        "ndcg_at_10": NDCGAtK(k=10),
        "map_at_5": MAPAtK(k=5),
    }


def naive(name: str, hits: list[bool], relevant: int) -> float:
    """The formula for one query from its complete ranking."""
    if name.startswith("recall"):
        return float(any(hits[: int(name.rsplit("_", 1)[1])]))
    if name == "mrr":
        return 1 / (hits.index(True) + 1)
    if name == "r_precision":
        return sum(hits[:relevant]) / relevant
    if name == "ndcg_at_10":
        gain = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits[:10]) if hit)
        return gain / sum(1 / math.log2(place + 2) for place in range(min(10, relevant)))
    depth = relevant if name == "map_at_r" else 5
    places = [place for place, hit in enumerate(hits[:depth]) if hit]
    return sum(sum(hits[: p + 1]) / (p + 1) for p in places) / min(depth, relevant)


def naive_evaluation(
    queries: Tensor, groups: Tensor, similarity: Similarity, gallery: Tensor, others: Tensor | None
) -> dict[str, list[float]]:
    """Per-query scores from a full sort; leave-one-out without ``others``."""
    keys = similarity.ranking(similarity.prepare(queries), similarity.prepare(gallery))
    scores: dict[str, list[float]] = {name: [] for name in all_metrics()}
    for row in range(len(queries)):
        order = keys[row].sort(descending=True, stable=True).indices.tolist()
        if others is None:
            order.remove(row)
        labels = groups if others is None else others
        hits = [bool(labels[place] == groups[row]) for place in order]
        for name, values in scores.items():
            values.append(naive(name, hits, sum(hits)) if any(hits) else math.nan)
    return scores


def clusters(n: int, groups: int, seed: int = 0, noise: float = 0.6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(groups, (n,), generator=generator)
    centres = torch.rand(groups, 8, generator=generator)
    return (centres[labels] + noise * torch.rand(n, 8, generator=generator)), labels


@pytest.mark.parametrize(
    "similarity", [Cosine(), Dot(), Euclidean(), Jaccard()], ids=lambda s: s.name
)
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("groups", [3, 60])
def test_plain_loops(similarity: Similarity, alone: bool, groups: int) -> None:
    queries, labels = clusters(90, groups)
    gallery, others = (None, None) if alone else clusters(130, groups, seed=1)
    metrics = all_metrics()
    found = evaluate_retrieval(metrics, queries, labels, similarity, gallery, others)
    expected = naive_evaluation(
        queries, labels, similarity, queries if gallery is None else gallery, others
    )
    for name, metric in metrics.items():
        np.testing.assert_allclose(metric.per_query_scores(), expected[name], atol=1e-6)
        assert found[name] == pytest.approx(np.nanmean(expected[name]), abs=1e-6)
        # Each gives the same when asked for alone, with a ranking only as deep as it needs.
        one = evaluate_retrieval({name: metric}, queries, labels, similarity, gallery, others)
        assert one[name] == pytest.approx(found[name], abs=1e-9)


@pytest.mark.parametrize("alone", [True, False])
def test_pytorch_metric_learning(alone: bool) -> None:
    queries, labels = clusters(400, 20)
    gallery, others = (queries, labels) if alone else clusters(600, 20, seed=1)
    calculator = AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r", "r_precision"),
        k="max_bin_count",
        device=torch.device("cpu"),
    )
    unit = torch.nn.functional.normalize
    expected = calculator.get_accuracy(unit(queries), labels, unit(gallery), others, alone)
    if alone:
        found = evaluate_retrieval(all_metrics(), queries, labels, Cosine())
    else:
        found = evaluate_retrieval(all_metrics(), queries, labels, Cosine(), gallery, others)
    assert found["recall_at_1"] == pytest.approx(expected["precision_at_1"], abs=1e-6)
    assert found["map_at_r"] == pytest.approx(expected["mean_average_precision_at_r"], abs=1e-6)
    assert found["r_precision"] == pytest.approx(expected["r_precision"], abs=1e-6)


def test_sklearns_ndcg() -> None:
    queries, labels = clusters(60, 6)
    gallery, others = clusters(80, 6, seed=1)
    found = evaluate_retrieval({"n": NDCGAtK(k=10)}, queries, labels, Cosine(), gallery, others)
    relevant = (labels[:, None] == others[None]).numpy()
    expected = ndcg_score(relevant, Cosine().matrix(queries, gallery).numpy(), k=10)
    assert found["n"] == pytest.approx(expected, abs=1e-6)


def block(hits: list[int], relevant: int, first: int = 1) -> RankedBlock:
    return RankedBlock(torch.tensor([hits]).bool(), torch.tensor([relevant]), torch.tensor([first]))


def test_map_at_k_is_not_divided_by_the_hits_found() -> None:
    """One hit at rank 1 of 50 to find is far from perfect."""
    metric = MAPAtK(k=10)
    metric.update(block([1] + [0] * 9, relevant=50))
    assert float(metric.compute()) == pytest.approx(1 / 10)
    metric.reset()
    metric.update(block([1] + [0] * 9, relevant=2))
    assert float(metric.compute()) == pytest.approx(1 / 2)


def test_map_at_r_reads_nothing_beyond_r() -> None:
    metric = MAPAtR()
    metric.update(block([0, 1, 1, 1], relevant=2))
    assert float(metric.compute()) == pytest.approx((1 / 2) / 2)


def test_queries_with_nothing_to_find_are_left_out() -> None:
    x = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [-1, 0]])
    metrics = all_metrics()
    found = evaluate_retrieval(metrics, x, torch.tensor([4, 4, 7, 8]), Cosine())
    assert set(found.values()) == {1.0}
    for metric in metrics.values():
        assert metric.per_query_scores().isnan().tolist() == [False, False, True, True]


def test_large_and_negative_ids_stay_apart() -> None:
    """2**24 and 2**24 + 1 are one number in float32."""
    x = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]])
    for base in (2**24, 2**53, -5):
        groups = torch.tensor([base, base + 1, base + 1, base])
        assert count_relevant(groups, groups).tolist() == [2] * 4
        found = evaluate_retrieval({"r": RecallAtK(k=1)}, x, groups, Cosine())
        assert found == {"r": 0.0}
    assert count_relevant(torch.tensor([3, 9]), torch.tensor([9, 9, 1])).tolist() == [0, 2]


def test_k_beyond_the_gallery() -> None:
    x, labels = clusters(6, 2)
    metrics = {"recall": RecallAtK(k=50), "ndcg": NDCGAtK(k=50), "map": MAPAtK(k=50)}
    found = evaluate_retrieval(metrics, x, labels, Cosine())
    assert found["recall"] == 1
    assert all(0 < value <= 1 for value in found.values())


def test_mrr_is_exact_beyond_its_depth() -> None:
    """The only relevant product is the last of 200."""
    angle = torch.linspace(0, 3, 201)
    x = torch.stack([angle.cos(), angle.sin()], 1)
    groups = torch.arange(201)
    groups[200] = 0
    metric = MRR()
    evaluate_retrieval({"mrr": metric}, x, groups, Cosine())
    assert float(metric.per_query_scores()[0]) == pytest.approx(1 / 200)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 40), groups=st.integers(1, 6), seed=st.integers(0, 99), tile=st.integers(1, 70)
)
def test_any_blocking(n: int, groups: int, seed: int, tile: int) -> None:
    x, labels = clusters(n, groups, seed)
    labels[0] = labels[1]
    expected = naive_evaluation(x, labels, Euclidean(), x, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "TILE", tile)
        patch.setattr(topk, "BLOCK_ELEMENTS", 500)
        found = evaluate_retrieval(all_metrics(), x, labels, Euclidean())
    for name, value in found.items():
        assert 0 <= value <= 1
        assert value == pytest.approx(np.nanmean(expected[name]), abs=1e-6)


def test_ranks_once_with_bounded_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large groups ask for a deep ranking; the tiles do not grow."""
    shapes = []

    class Counted(Cosine):
        def ranking(self, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
            shapes.append((len(a), len(b)))
            return super().ranking(a, b, out)

    monkeypatch.setattr(topk, "TILE", 256)
    monkeypatch.setattr(topk, "BLOCK_ELEMENTS", 20_000)
    x, labels = clusters(1200, 2)
    metrics = {name: metric for name, metric in all_metrics().items() if name != "mrr"}
    evaluate_retrieval(metrics, x, labels, Counted())
    assert sum(rows * columns for rows, columns in shapes) == 1200 * 1200
    assert max(rows * columns for rows, columns in shapes) <= 20_000


def test_mistakes_are_one_sentence() -> None:
    x, labels = clusters(5, 2)
    for message, arguments in {
        "at least one query and one other product": (x[:1], labels[:1], Cosine()),
        "one other product to find": (x, labels, Cosine(), x[:0], labels[:0]),
        "no query has a product of its group": (x, torch.arange(5), Cosine()),
        "belong together": (x, labels, Cosine(), x),
        "one group": (x, labels[:3], Cosine()),
    }.items():
        with pytest.raises(ValueError, match=message) as caught:
            evaluate_retrieval(all_metrics(), *arguments)
        assert isinstance(caught.value, LikewiseError)
