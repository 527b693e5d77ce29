"""Encoders trained on products that the same people bought, or that are linked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import make_events, write_network

from likewise.cli import main
from likewise.data.relevance import Behaviour, Links
from likewise.encoders.attributes import AttributeMLP
from likewise.losses.in_batch_softmax import InBatchSoftmax
from likewise.methods.co_purchase import CoPurchase, target_chances
from likewise.recommenders.content.content import Content
from likewise.runs.folder import read_result
from likewise.similarity.cosine import Cosine
from likewise.similarity.euclidean import Euclidean
from likewise.tasks.recommendation import Recommendation

SYNTHETIC = ["task=recommendation", "data=synthetic", "recommender=content"]


def make_method(data, similarity=None, **options) -> CoPurchase:
    """On its data, without Lightning; the content of a product is its row."""
    torch.manual_seed(0)
    measure = similarity or Cosine()
    size = len(data.catalogue)
    encoder = AttributeMLP(0, [size], 4, dropout=0.0)
    task = Recommendation({}, measure)
    scorer = Content(encoder, measure)
    method = CoPurchase(scorer, InBatchSoftmax(), None, measure, task, {}, **options)
    products = {"attributes": torch.arange(size)[:, None].float()}
    method._trainer = SimpleNamespace(datamodule=SimpleNamespace(data=data, products=products))
    method.on_fit_start()
    return method


def test_full_correction_estimates_the_softmax_over_the_catalogue() -> None:
    """With all products once in the batch and equal chances; and by hand with unequal ones."""
    scores = torch.tensor([[1.0, 0.2], [0.5, 0.3]])
    every = torch.ones(2, 2, dtype=torch.bool)
    log_chances = torch.tensor([0.8, 0.2]).log()
    plain = InBatchSoftmax(1.0, 0.0)(scores, log_chances, every)
    torch.testing.assert_close(plain, -scores.log_softmax(1).diagonal().mean())
    one = np.exp(1.0) / 0.8 / (np.exp(1.0) / 0.8 + np.exp(0.2) / 0.2)
    other = np.exp(0.3) / 0.2 / (np.exp(0.5) / 0.8 + np.exp(0.3) / 0.2)
    expected = -(np.log(one) + np.log(other)) / 2
    found = InBatchSoftmax(1.0, 1.0)(scores, log_chances, every)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert float(InBatchSoftmax()(scores, log_chances, ~every)) == 0.0


def test_pairs_are_of_one_person_within_the_window() -> None:
    sequences = [[0, 1, 2, 3, 4, 5], [6], [7, 7, 8], [9, 9]]
    method = make_method(make_events(10, sequences), window=2, pairs=400)
    anchors, targets, people = method.draw(np.arange(4))
    assert set(people) == {0, 2}
    place = {row: place for sequence in sequences for place, row in enumerate(sequence)}
    for anchor, target, person in zip(anchors, targets, people, strict=True):
        assert {anchor, target} <= set(sequences[person])
        assert anchor != target
        if person == 0:
            assert abs(place[anchor] - place[target]) <= 2
    # Every pair within the window of 2 comes up.
    assert len(set(zip(anchors[people == 0], targets[people == 0], strict=True))) == 18


def test_pairs_of_links_are_links_and_their_chances_are_exact() -> None:
    data = make_events(6, [[0, 1]])
    source, target = np.array([0, 0, 2, 3]), np.array([1, 4, 4, 4])
    links = Links(source, target, {"train": np.arange(4)})
    object.__setattr__(data, "relevance", (links,))
    method = make_method(data, pairs=3000)
    anchors, targets, _ = method.draw(np.arange(3))
    known = set(zip(source.tolist(), target.tolist(), strict=True))
    assert set(zip(anchors.tolist(), targets.tolist(), strict=True)) == known
    chances = method.log_chances.exp()
    np.testing.assert_allclose(chances, [0, 1 / 6, 0, 0, 5 / 6, 0], atol=1e-6)
    np.testing.assert_allclose(np.bincount(targets, minlength=6) / 9000, chances, atol=0.02)


def test_chances_are_about_those_of_the_drawn_targets() -> None:
    generator = np.random.default_rng(0)
    sequences = [generator.integers(0, 5, generator.integers(1, 9)).tolist() for _ in range(40)]
    data = make_events(5, sequences)
    events = data.get(Behaviour)
    histories = events.histories(events.splits["train"], np.arange(40))
    method = make_method(data, window=9, pairs=200)
    _, targets, _ = method.draw(np.arange(40))
    drawn = np.bincount(targets, minlength=5) / len(targets)
    np.testing.assert_allclose(target_chances(histories, 5, False), drawn, atol=0.05)


@pytest.mark.parametrize("similarity", [Cosine(), Euclidean()], ids=["cosine", "euclidean"])
def test_products_of_one_person_become_closer(similarity) -> None:
    method = make_method(make_events(6, [[0, 1], [2, 3], [4, 5]] * 4), similarity, pairs=2)
    optimizer = torch.optim.Adam(method.encoder.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = method.training_loss(torch.arange(12))
        loss.backward()
        optimizer.step()
    assert loss.isfinite()
    vectors = similarity.prepare(method.encoder.embed(method.products))
    keys = similarity.ranking(vectors, vectors).fill_diagonal_(-torch.inf)
    assert keys.argmax(1).tolist() == [1, 0, 3, 2, 5, 4]
    # A batch without a pair has a loss of 0 that can be differentiated.
    alone = make_method(make_events(6, [[0, 1], [2]]), similarity)
    nothing = alone.training_loss(torch.tensor([1]))
    nothing.backward()
    assert float(nothing.detach()) == 0.0


def run(tmp_path: Path, *options: str) -> int:
    quick = ["logger=none", f"output={tmp_path}", "embedding_size=16", "seed=0"]
    return main(["train", *options, *quick])


@pytest.mark.parametrize(
    "encoder",
    [
        ["encoder=attributes"],
        ["encoder=text_cnn"],
        ["encoder=cnn", "similarity=euclidean"],
        ["encoder=fusion", "memory_budget=1KB", "workers=0"],
    ],
    ids=["attributes", "text", "cnn", "fusion"],
)
def test_every_encoder_is_trained(encoder: list[str], tmp_path: Path) -> None:
    steps = ["method=co_purchase", "trainer.max_epochs=1"]
    assert run(tmp_path, *SYNTHETIC, *encoder, *steps) == 0


def test_training_finds_complements_that_the_content_alone_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By links: products of other kinds of the same make, which share one word of two."""
    shop = write_network(tmp_path / "network")
    common = ["task=cross_sell", "data=amazon_photo", f"data.path={shop}", "recommender=content"]
    trained = ["method=co_purchase", "trainer.max_epochs=30", "method.learning_rate=0.01"]
    assert run(tmp_path, *common, "encoder=bag", "method=fit", "name=as_it_is") == 0
    assert run(tmp_path, *common, "encoder=bag", *trained, "name=trained") == 0
    found = {}
    for name in ("as_it_is", "trained"):
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        found[name] = read_result(folder)["metrics"]["test/ndcg_at_10"]
    assert found["trained"] > found["as_it_is"] + 0.1
    capsys.readouterr()
    assert main(["evaluate", str(folder)]) == 0
    assert f"test/ndcg_at_10 {found['trained']:.6f}" in capsys.readouterr().out


MISTAKES = {
    "no encoder to train": (["recommender=item_knn", "encoder=none"], "recommender=content"),
    "nothing to train": (["encoder=tfidf", "text=tfidf"], "trained by method=none only"),
    "another method": (["encoder=contrastive"], "is trained by method=contrastive only"),
    "a large batch": (["encoder=bag", "batch_size=70"], "the 60 training users"),
    "a window": (["encoder=bag", "method.window=0"], "method.window=0"),
    "a correction": (["encoder=bag", "loss.correction=2"], "loss.correction=2"),
    "another loss": (["encoder=bag", "loss=supcon"], "use loss=in_batch_softmax"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = MISTAKES[name]
    assert run(tmp_path, *SYNTHETIC, "method=co_purchase", *more) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    assert expected in message
