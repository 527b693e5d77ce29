"""Recommending by the real command line on a small shop made by code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from conftest import write_shop

from likewise.cli import main
from likewise.runs.folder import read_result
from likewise.runs.recommending import diverse

PRODUCTS, USERS = 24, 60


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See ``write_shop``."""
    return write_shop(tmp_path_factory.mktemp("shop"), PRODUCTS, USERS)


def options(shop: Path, tmp_path: Path, *more: str) -> list[str]:
    data = ["data=amazon_reviews", f"data.path={shop}", "logger=none", f"output={tmp_path}"]
    return ["task=recommendation", *data, *more]


PARTS = {
    "popular": ["recommender=popular"],
    "item_knn": ["recommender=item_knn"],
    "cooccurrence": ["recommender=cooccurrence", "method.refit=true"],
    "gru": [
        *("recommender=gru", "encoder=attributes", "method=sequence", "trainer.max_epochs=30"),
        *("recommender.products.width=16", "batch_size=20", "method.learning_rate=0.02"),
    ],
    "sasrec": [
        *("recommender=sasrec", "method=sequence", "trainer.max_epochs=1", "loss=next_softmax"),
        *("recommender.products.width=16", "batch_size=20", "recommender.length=5"),
    ],
    "content": ["recommender=content", "encoder=attributes"],
}


def test_recommenders_train_and_are_evaluated_again(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finished run gives the same scores from its folder; order helps where people walk."""
    found = {}
    for name, part in PARTS.items():
        assert main(["train", *options(shop, tmp_path, f"name={name}", *part)]) == 0, name
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        result = read_result(folder)
        found[name] = result["metrics"]["test/hit_rate_at_10"]
        table = pq.read_table(folder / "per_query.parquet")
        assert table.num_rows == USERS
        mean = np.nanmean(table["hit_rate_at_10"].to_numpy())
        assert mean == pytest.approx(found[name])
        # No product of the history is recommended.
        assert result["specifications"]["ndcg_at_10"]["label"] == "nDCG@10"
        capsys.readouterr()
        assert main(["evaluate", str(folder)]) == 0
        assert f"test/hit_rate_at_10 {found[name]:.6f}" in capsys.readouterr().out
    assert found["cooccurrence"] > found["popular"] + 0.2
    assert found["gru"] > found["popular"] + 0.2


def test_a_metric_by_hand(shop: Path, tmp_path: Path) -> None:
    """The hit rate of the most popular products, counted with loops."""
    assert main(["train", *options(shop, tmp_path, "recommender=popular")]) == 0
    (folder,) = (tmp_path / "train").glob("popular-*")
    sequences = pq.read_table(shop / "sequences.parquet")["item_ids"].to_pylist()
    counts = np.zeros(PRODUCTS)
    for sequence in sequences:
        for product in set(sequence[:-2]):
            counts[product] += 1
    ranks = {}
    for user, sequence in enumerate(sequences):
        rest = [one for one in range(PRODUCTS) if one not in sequence[:-1]]
        if sequence[-1] in rest:
            above = sum(counts[one] > counts[sequence[-1]] for one in rest)
            tied = sum(counts[one] == counts[sequence[-1]] for one in rest)
            ranks[str(user)] = (above + 1, above + tied)
    table = pq.read_table(folder / "per_query.parquet")
    names, found = table["unit_id"].to_pylist(), table["ranks"].to_pylist()
    assert set(names) == set(ranks)
    for name, (rank,) in zip(names, found, strict=True):
        least, most = ranks[name]
        assert least <= rank <= most


def test_sampled_negatives_are_labelled_so(shop: Path, tmp_path: Path) -> None:
    """And are easier than the whole catalogue."""
    assert main(["train", *options(shop, tmp_path, "task.negatives=5", "name=sampled")]) == 0
    assert main(["train", *options(shop, tmp_path, "name=full")]) == 0
    (sampled,), (full,) = ((tmp_path / "train").glob(f"{one}-*") for one in ("sampled", "full"))
    said, result = read_result(sampled), read_result(full)
    assert said["specifications"]["mrr"]["label"] == "MRR among 5 sampled"
    assert said["metrics"]["test/mrr"] > result["metrics"]["test/mrr"]


MISTAKES = {
    "an encoder": (["encoder=attributes"], "has no use for encoder"),
    "no encoder": (["recommender=content"], "needs an encoder"),
    "no recommender": (
        ["recommender=none", "encoder=attributes", "method=metric_learning"],
        "choose a recommender",
    ),
    "gradient steps": (["method=metric_learning"], "use method=fit"),
    "another task": (
        ["task=retrieval", "data=synthetic", "recommender=popular", "encoder=none", "method=fit"],
        "needs what compares embeddings",
    ),
    "no sample": (["task.negatives=0"], "task.negatives=0"),
    "too many": (["task.negatives=1000"], "task.negatives=1000"),
    "a measure": (["recommender.measure=euclid"], "cosine, jaccard, lift"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is learned."""
    more, expected = MISTAKES[name]
    keys = [one.split("=")[0] for one in more]
    whole = [one for one in options(shop, tmp_path) if one.split("=")[0] not in keys]
    if "data" in keys:
        whole = [one for one in whole if not one.startswith("data.")]
    assert main(["train", *whole, *more]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    assert expected in message
    assert not list(tmp_path.rglob("result.json"))


@pytest.fixture(scope="module")
def walked(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of co-occurrence, which knows that people walk one step at a time."""
    output = tmp_path_factory.mktemp("runs")
    assert main(["train", *options(shop, output, "recommender=cooccurrence")]) == 0
    return next((output / "train").glob("cooccurrence-*"))


def test_recommend_prints_what_comes_next(walked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The product after the last one is first; what is excluded is not there."""
    capsys.readouterr()
    asked = ["recommend", str(walked), "--history=A3,A4,A5", "--json", "--top-k=5"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["product_id"] == "A6"
    assert [hit["score"] for hit in found] == sorted((h["score"] for h in found), reverse=True)
    assert not {"A3", "A4", "A5"} & {hit["product_id"] for hit in found}
    assert main([*asked, "--exclude=A6"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["product_id"] == found[1]["product_id"]
    assert main(["recommend", str(walked), "--history=A3,A4,A5", "--diversity=0.9"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].split()[2] == "A6"
    assert main(["cross-sell", str(walked), "--basket=A5", "--top-k=1"]) == 0
    assert "A6" in capsys.readouterr().out


def test_products_out_of_stock_are_left_out(
    walked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of ids; those that the catalogue does not have are counted in one sentence."""
    stock = tmp_path / "out_of_stock.txt"
    stock.write_text("\ufeffA6\n\n A7 \r\nA6\nX1\nX2\n", encoding="utf-8")
    more = ["--top-k=24", "--json", f"--exclude-file={stock}", "--exclude=A8"]
    for asked in (["recommend", str(walked), "--history=A5"], ["cross-sell", str(walked)]):
        capsys.readouterr()
        assert main([*asked, *(["--basket=A5"] if asked[0] == "cross-sell" else []), *more]) == 0
        printed = capsys.readouterr()
        assert printed.err.count("\n") == 1
        assert "2 of the 4 ids" in printed.err
        ids = {hit["product_id"] for hit in json.loads(printed.out)}
        assert ids == {f"A{row}" for row in range(PRODUCTS)} - {"A5", "A6", "A7", "A8"}
    stock.write_text("A6\n")
    assert main(["recommend", str(walked), "--history=A5", f"--exclude-file={stock}"]) == 0
    assert capsys.readouterr().err == ""
    stock.write_bytes(b"\xff\xfe\xfa")
    for path, expected in ((stock, "is not UTF-8 text"), (tmp_path / "none", "cannot be read")):
        assert main(["recommend", str(walked), "--history=A5", f"--exclude-file={path}"]) == 1
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert expected in message


FOUND = {
    "an unknown product": (["recommend", "--history=A3,X"], "no product X"),
    "nothing known": (["recommend", "--history="], "gives all products the same score"),
    "a strange diversity": (["recommend", "--history=A3", "--diversity=2"], "from 0 to 1"),
    "an empty basket": (["cross-sell"], "the basket is empty"),
    "nothing left": (
        ["recommend", "--history=A3", f"--exclude={','.join(f'A{row}' for row in range(24))}"],
        "no product is left",
    ),
    "a search": (["search", "lamp"], "cannot search"),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_cannot_be_found_is_one_sentence(
    name: str, walked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the verbs that use a finished run."""
    (verb, *more), expected = FOUND[name]
    capsys.readouterr()
    assert main([verb, str(walked), *more]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert expected in message


def test_diverse_takes_the_best_first_and_then_the_unlike() -> None:
    """A worked example of MMR: the second best is the double of the best."""
    scores = torch.tensor([1.0, 0.9, 0.5, 0.0])
    alike = torch.eye(4)
    alike[0, 1] = alike[1, 0] = 1.0
    assert diverse(scores, alike, 3, 0.0) == [0, 1, 2]
    assert diverse(scores, alike, 3, 0.5) == [0, 2, 3]
