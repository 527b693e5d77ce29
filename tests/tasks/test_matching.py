"""Matching from the command line, and everything that trains on pairs."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

from likewise.cli import main
from likewise.data.products import gather_front, join, take
from likewise.data.relevance import Pairs
from likewise.data.sources.synthetic import Synthetic
from likewise.data.text_augmentation import TextAugmentation
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.losses.pair_bce import PairBinaryCrossEntropy
from likewise.losses.pair_cosine import PairCosine
from likewise.metrics.matching import JudgedPairs
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train


@pytest.fixture
def pairs(tmp_path: Path) -> list[str]:
    """Overrides for a matching run of a few seconds."""
    return [
        "task=matching",
        "data=synthetic",
        "method=pairs",
        "encoder=bag",
        "batch_size=32",
        "embedding_size=16",
        "method.learning_rate=5e-3",
        "trainer.max_epochs=4",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]


def test_a_run_learns_and_its_table_holds_its_scores(pairs: list[str]) -> None:
    folder = train(compose([*pairs, "trainer.max_epochs=12"]))
    scores = read_result(folder)["metrics"]
    frozen = train(compose([*pairs, "method.learning_rate=0", "trainer.max_epochs=1"]))
    assert scores["test/pr_auc"] > read_result(frozen)["metrics"]["test/pr_auc"]
    table = pq.read_table(folder / "per_query.parquet").to_pandas()
    data = Synthetic().load()
    pairs = data.get(Pairs)
    rows = pairs.splits["test"]
    assert table["label"].tolist() == pairs.labels[rows].tolist()
    for name in ("f1", "precision", "recall", "pr_auc", "brier", "calibration_error"):
        assert table[name].mean() == pytest.approx(scores[f"test/{name}"]), name
    assert (table["score"] >= scores["test/threshold"]).tolist() == table["is_match"].tolist()
    assert (folder / "matching.png").stat().st_size > 10_000
    # The threshold is that of validation, whatever the test says.
    run = open_run(folder)
    again = run.scorer.match_pairs(run.module.pair_split("test"))
    np.testing.assert_allclose(again.numpy(), table["score"], atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        ["matcher=signals", "method=fit", "encoder=none"],
        ["matcher=signals", "method=fit", "encoder=cnn"],
        ["matcher=signals", "method=fit", "encoder=none", "matcher.context=true"],
        ["matcher=signals", "method=fit", "encoder=none", "matcher.words=true"],
        ["matcher=pair_head"],
        ["matcher=pair_head", "encoder=fusion", "matcher.features=[left,right]"],
        ["matcher=cross_encoder", "encoder=text_rnn", "matcher.symmetric=true"],
        ["matcher=article_baseline"],
        ["encoder=text_cnn", "text=ngrams", "text.max_length=64", "loss=pair_cosine"],
        ["encoder=attributes", "similarity=euclidean", "loss.scale=1", "loss.shift=-5"],
        ["encoder=reviews", "augmentation.text.token_deletion_probability=0.1"],
        ["encoder=cnn", "+method.group_loss._target_=pytorch_metric_learning.losses.SupConLoss"],
        ["encoder=bag", "method=metric_learning", "sampler=hard_pair"],
        ["encoder=bag", "sampler=hard_pair"],
        ["encoder=bag", "sampler=m_per_class"],
        ["encoder=bag", "+loss@method.group_loss=supcon"],
    ],
    ids=lambda parts: parts[0],
)
def test_anything_can_be_trained_and_opened_again(parts: list[str], pairs: list[str]) -> None:
    options = [one for one in pairs if "signals" not in parts[0] or "learning_rate" not in one]
    small = ["data.products=100", "data.groups=10", "trainer.max_epochs=2"]
    folder = train(compose([*options, *parts, *small]))
    scores = read_result(folder)["metrics"]
    assert 0 < scores["test/pr_auc"] <= 1
    assert main(["evaluate", str(folder)]) == 0
    result = json.loads((folder / "result.json").read_text())
    assert result["cost"]["parameters"] > 0


@pytest.mark.parametrize("candidates", [0, 3])
def test_context_is_read_anew_for_the_catalogue_at_hand(pairs: list[str], candidates: int) -> None:
    options = [one for one in pairs if "learning_rate" not in one]
    parts = ["matcher=signals", "method=fit", "encoder=none", "matcher.n_estimators=20"]
    context = ["matcher.context=true", f"matcher.candidates={candidates}", "matcher.words=true"]
    folder = train(compose([*options, *parts, *context]))
    alone = train(compose([*options, *parts]))
    assert "without labels" in " ".join(read_result(folder)["notes"])
    assert "without labels" not in " ".join(read_result(alone)["notes"])
    # It keeps no other product of the catalogue: opened again, it gives the same scores.
    run, table = open_run(folder), pq.read_table(folder / "per_query.parquet")
    asked = run.module.pair_split("test")
    again = run.scorer.match_pairs(asked)
    np.testing.assert_allclose(again.numpy(), table["score"].to_numpy(), atol=1e-6)
    # Among other products, the same two offers have other ranks and other scores.
    some = replace(
        asked,
        catalogue=asked.catalogue.select(asked.rows),
        rows=np.arange(len(asked.rows)),
    )
    assert not np.allclose(run.scorer.match_pairs(some).numpy(), again.numpy())
    unread = open_run(alone).scorer
    np.testing.assert_array_equal(unread.match_pairs(some), unread.match_pairs(asked))


def test_candidates_without_context_are_refused(
    pairs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [one for one in pairs if "learning_rate" not in one]
    parts = ["matcher=signals", "method=fit", "encoder=none", "matcher.candidates=3"]
    assert main(["train", *options, *parts]) == 1
    assert "matcher.context=true" in capsys.readouterr().err


def test_evaluate_says_what_the_run_said(pairs: list[str], capsys: pytest.CaptureFixture) -> None:
    assert main(["train", *pairs]) == 0
    folder = capsys.readouterr().out.strip().splitlines()[-1]
    assert main(["evaluate", folder]) == 0
    said = dict(line.split() for line in capsys.readouterr().out.strip().splitlines())
    for name, value in read_result(Path(folder))["metrics"].items():
        if name.startswith("test"):
            assert float(said[name]) == pytest.approx(value, abs=1e-5), name


def test_data_with_test_pairs_only_are_judged_by_the_threshold_of_the_run(
    pairs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The threshold and the calibration are those of the run; scikit-learn computes the rest."""
    folder = train(compose(pairs))
    titles = "".join(f"p{row},lamp number {row % 10} by {row}\n" for row in range(40))
    (tmp_path / "products.csv").write_text(f"product_id,title\n{titles}")
    sides = [(row, (row + step) % 40) for row in range(40) for step in (10, 3)]
    labels = np.arange(len(sides)) % 2 == 0
    lines = [f"p{a},p{b},{label:d},test" for (a, b), label in zip(sides, labels, strict=True)]
    (tmp_path / "pairs.csv").write_text("\n".join(["left_id,right_id,label,split", *lines]))
    tables = (f"data.path={tmp_path / 'products.csv'}", f"data.pairs={tmp_path / 'pairs.csv'}")
    own = ["data=table", *tables]
    assert main(["evaluate", str(folder), *own]) == 0
    said = dict(line.split() for line in capsys.readouterr().out.splitlines())

    run = open_run(folder, own)
    units = torch.nn.functional.normalize(run.embeddings("test")).double().numpy()
    row = {name: place for place, name in enumerate(run.product_ids("test"))}
    scores = np.array([units[row[f"p{a}"]] @ units[row[f"p{b}"]] for a, b in sides])
    known = open_run(folder)
    validation = known.module.pair_split("validation")
    seen = known.scorer.match_pairs(validation).double().numpy()
    curve = LogisticRegression(C=1e6).fit(seen[:, None], validation.labels.numpy())
    threshold = read_result(folder)["metrics"]["test/threshold"]
    assert 0 < (scores >= threshold).mean() < 1
    expected = {
        "test/threshold": threshold,
        "test/f1": f1_score(labels, scores >= threshold),
        "test/pr_auc": average_precision_score(labels, scores),
    }
    for name, value in expected.items():
        assert float(said[name]) == pytest.approx(value, abs=1e-5), name
    brier = brier_score_loss(labels, curve.predict_proba(scores[:, None])[:, 1])
    assert float(said["test/brier"]) == pytest.approx(brier, abs=0.003)

    # Scores of another similarity have another scale, so that the threshold would not fit.
    assert main(["evaluate", str(folder), *own, "similarity=euclidean"]) == 1
    assert "validation holds no pair" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["encoder=bag", "method=metric_learning", "loss=pair_bce"], "loss=supcon or triplet"),
        (["loss=supcon"], "use loss=pair_bce or pair_cosine"),
        (["matcher=pair_head", "method=metric_learning"], "use method=pairs"),
        (["metrics=retrieval", "primary=map_at_r"], "task=matching is not scored by"),
        (["primary=brier"], "better when smaller"),
        (["matcher=cross_encoder", "encoder=cnn"], "joins texts, and CNN reads image"),
        (["encoder=pretrained_text"], "goes with text=pretrained"),
        (["batch_size=100000"], "training pairs; set it to at most"),
        (["matcher=pair_head", "matcher.features=[sum]"], "must be a list of some of left, right"),
        (["text.max_length=0"], "at least 1"),
        (["sampler=source_aware", "method=metric_learning", "loss=supcon"], "are on both sides"),
        (["data=fashion_mnist"], ""),
    ],
)
def test_what_cannot_work_is_said_before_training(
    changes: list[str],
    message: str,
    pairs: list[str],
    pictures: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    if changes == ["data=fashion_mnist"]:
        changes = [*changes, f"data.path={pictures}", "data.validation_size=40", "encoder=cnn"]
        message = "needs labelled pairs"
    assert main(["train", *pairs, *changes]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_text_model_asked_for_pictures_alone(
    small: list[str], capsys: pytest.CaptureFixture
) -> None:
    assert main(["train", *small, "encoder=bag"]) == 1
    assert "no title, brand, category" in capsys.readouterr().err
    assert main(["train", *small, "matcher=cross_encoder"]) == 1
    assert capsys.readouterr().err.startswith("likewise: ")


def test_pair_losses_are_torch_s() -> None:
    torch.manual_seed(0)
    left, right, labels = torch.randn(9, 5), torch.randn(9, 5), torch.arange(9) % 2
    cosine = torch.cosine_similarity(left, right)
    theirs = torch.nn.CosineEmbeddingLoss(margin=0.2)(left, right, 2 * labels - 1)
    torch.testing.assert_close(PairCosine(0.2)(cosine, labels), theirs)
    loss = PairBinaryCrossEntropy(scale=4.0, shift=0.25, positive_weight=3.0, label_smoothing=0.2)
    logits, targets = 4 * (cosine - 0.25), torch.where(labels == 1, 0.9, 0.1)
    plain = -(3 * targets * logits.sigmoid().log() + (1 - targets) * (-logits).sigmoid().log())
    torch.testing.assert_close(loss(cosine, labels), plain.mean())
    with pytest.raises(LikewiseError, match="smoothing"):
        PairBinaryCrossEntropy(label_smoothing=1.0)


def test_texts_lose_a_span_and_keep_their_order() -> None:
    torch.manual_seed(0)
    ids = torch.arange(1, 41, dtype=torch.int32).repeat(300, 1)
    ids[:, 30:] = 0
    ids[0] = 0
    lost = TextAugmentation(span_deletion_probability=1.0, max_span_fraction=0.25)(ids)
    assert not lost[0].any()
    for row in lost[1:]:
        kept = row[row > 0].tolist()
        assert kept[0] == 1
        assert kept == sorted(kept)
        assert 22 <= len(kept) < 30
        jumps = [b - a for a, b in pairwise(kept)]
        assert sum(jump > 1 for jump in jumps) <= 1
    dropped = TextAugmentation(token_deletion_probability=0.3)(ids)
    assert (dropped[1:] > 0).sum() / (ids[1:] > 0).sum() == pytest.approx(0.7, abs=0.03)
    assert TextAugmentation()(ids) is ids
    with pytest.raises(LikewiseError, match="token_deletion_probability=2"):
        TextAugmentation(token_deletion_probability=2)


def test_products_are_taken_and_joined() -> None:
    text = torch.tensor([[1, 2, 3], [4, 0, 0], [0, 0, 0]], dtype=torch.int32)
    products = {"text": text, "attributes": torch.eye(3)}
    some = take(products, torch.tensor([1, 2]))
    assert some["text"].tolist() == [[4], [0]]
    assert some["attributes"].shape == (2, 3)
    assert take(products, torch.tensor([2]))["text"].shape == (1, 0)
    both = join(some, products)
    assert both["text"].tolist() == [[4, 0, 0], [0, 0, 0], *text.tolist()]
    assert gather_front(torch.tensor([[0, 3, 0, 5]], dtype=torch.int32)).tolist() == [[3, 5]]


def test_some_of_judged_pairs() -> None:
    judged = JudgedPairs(np.arange(4.0), np.arange(4) / 4, np.array([0, 1, 0, 1]), 2.0)
    some = judged.some(np.array([True, False, True, True]))
    assert some.predicted.tolist() == [False, True, True]
    assert some.labels.tolist() == [0, 0, 1]


@pytest.fixture
def own_pairs(tmp_path: Path) -> list[str]:
    """A person's own products and pairs, one of whose 40 test pairs is a training pair."""
    titles = "".join(f"p{row},lamp number {row % 10} by {row}\n" for row in range(80))
    (tmp_path / "products.csv").write_text(f"product_id,title\n{titles}")
    lines = ["left_id,right_id,label,split"]
    for row in range(80):
        part = ["train", "train", "valid", "test"][row % 4]
        lines += [f"p{row},p{(row + 10) % 80},1,{part}", f"p{row},p{(row + 3) % 80},0,{part}"]
    lines[-1] = "p10,p0,1,test"
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    return [
        "data=table",
        f"data.path={tmp_path / 'products.csv'}",
        f"data.pairs={tmp_path / 'pairs.csv'}",
        "task=matching",
        "encoder=bag",
        "trainer.max_epochs=1",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]


def test_leaked_pairs_of_any_data_are_left_out_of_scores_of_their_own(
    own_pairs: list[str], tmp_path: Path
) -> None:
    folder = train(compose([*own_pairs, "method=pairs"]))
    scores = read_result(folder)["metrics"]
    table = pq.read_table(folder / "per_query.parquet").to_pandas()
    assert len(table) == 40
    clean = table[table["unit_id"] != "p10|p0"]
    assert len(clean) == 39
    called, right = clean["is_match"], clean["label"] == 1
    f1 = 2 * (called & right).sum() / (called.sum() + right.sum())
    assert scores["test_without_leaks/f1"] == pytest.approx(f1)


def test_groups_that_are_not_there_are_not_blamed_on_the_batch(
    own_pairs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *own_pairs]) == 1
    assert "there is task=matching with method=pairs" in capsys.readouterr().err
