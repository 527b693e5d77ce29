"""``likewise explain`` and ``task=faithfulness``, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from likewise.cli import main
from likewise.data.relevance import Pairs
from likewise.experiment.composition import compose
from likewise.experiment.identity import config_identity
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train

TINY = ["data=synthetic", "embedding_size=16", "trainer.max_epochs=1", "logger=none"]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explained")


@pytest.fixture(scope="module")
def signals(output: Path) -> Path:
    options = ["task=matching", *TINY, "matcher=signals", "matcher.n_estimators=10"]
    return train(compose([*options, f"output={output}"]))


@pytest.fixture(scope="module")
def texts(output: Path) -> Path:
    return train(compose([*TINY, "encoder=text_cnn", "encoder.channels=8", f"output={output}"]))


@pytest.fixture(scope="module")
def match(signals: Path) -> tuple[str, str]:
    """The ids of two offers of one design, in a test pair."""
    table = pq.read_table(signals / "per_query.parquet").to_pylist()
    row = next(row for row in table if row["label"] == 1)
    return row["left_id"], row["right_id"]


def explain(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    assert main(["explain", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_table_json_and_picture(
    texts: Path, match: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "why.png"
    chosen = "explanation=integrated_gradients"
    assert main(["explain", str(texts), *match, chosen, "--output", str(picture)]) == 0
    printed = capsys.readouterr().out
    found = explain(capsys, texts, *match, chosen)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"score {found['score']:.4f}" in printed.splitlines()[0]
    first = found["units"][0]
    assert printed.splitlines()[2].split()[:2] == [f"{first['value']:+.4f}", first["side"]]
    total = found["base"] + found["rest"] + sum(unit["value"] for unit in found["units"])
    assert total == pytest.approx(found["score"], abs=1e-6)
    # The score is that of the model, and occlusion is the default.
    run = open_run(texts)
    rows = [run.rows_by_id[one] for one in match]
    one, other = run.model.embed(run.data.catalogue.select(rows))
    alike = float(run.similarity.matrix(one[None], other[None]))
    assert found["score"] == pytest.approx(alike, abs=1e-5)
    assert "without the unit" in explain(capsys, texts, *match)["meaning"]


def test_trees_are_explained_by_words_signals_and_training_pairs(
    signals: Path, match: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = explain(capsys, signals, *match)
    assert {unit["side"] for unit in words["units"]} == {"left", "right"}
    shapley = explain(capsys, signals, *match, "explanation=shapley")
    assert shapley["score"] == pytest.approx(words["score"], abs=1e-5)
    total = shapley["base"] + sum(unit["value"] for unit in shapley["units"])
    assert total == pytest.approx(shapley["score"], abs=1e-5)
    # From the mean score of all training pairs, as there are fewer than the references.
    run = open_run(signals)
    mean = run.scorer.match_pairs(run.module.pair_split("train")).mean()
    every = explain(capsys, signals, *match, "explanation=shapley", "explanation.references=9999")
    assert every["base"] == pytest.approx(float(mean), abs=1e-4)
    near = explain(capsys, signals, *match, "explanation=training_pairs", "explanation.count=3")
    assert [unit["column"] for unit in near["units"]] == ["training pair"] * 3


def test_the_nearest_training_pair_of_a_training_pair_is_not_itself(
    texts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = open_run(texts)
    pairs = run.data.get(Pairs)
    row = pairs.splits["train"][0]
    ids = run.data.catalogue["product_id"]
    own = {ids[int(pairs.left[row])], ids[int(pairs.right[row])]}
    found = explain(capsys, texts, *sorted(own), "explanation=training_pairs")
    values = [unit["value"] for unit in found["units"]]
    assert values == sorted(values, reverse=True)
    assert all(-1 <= value <= 1 + 1e-9 for value in values)
    for unit in found["units"]:
        named = {part.split()[0] for part in unit["text"].partition(": ")[2].split(" | ")}
        assert named != own


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["offer-0", "offer-0"], "product offer-0 is given twice"),
        (["offer-0", "lamp"], "the catalogue has no product lamp"),
        (["offer-0", "offer-1", "explanation=integrated_gradients"], "needs gradients"),
        (["offer-0", "offer-1", "explanation=exact"], "needs a linear encoder"),
        (["offer-0", "offer-1", "explanation=none"], "explains nothing"),
        (["offer-0", "offer-1", "explanation=shapley", "explanation.references=0"], "at least 1"),
        (["offer-0", "offer-1", "--output", "why.txt"], "must end in .png"),
    ],
)
def test_mistakes_get_one_sentence(
    signals: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(signals), *words]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_faithfulness_is_a_task(texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a finished run: the order of the contributions beats random contributions."""
    fast = ["task=faithfulness", "task.pairs=8", "task.random_orders=6"]

    def scores(name: str) -> dict[str, float]:
        assert main(["evaluate", str(texts), *fast, f"explanation={name}"]) == 0
        lines = (line.split() for line in capsys.readouterr().out.splitlines())
        return {name: float(value) for name, value in lines}

    occlusion, random = scores("occlusion"), scores("random")
    for name in ("test/deletion", "test/insertion"):
        assert occlusion[name] > 2 * abs(random[name])
    assert abs(random["test/weight_randomisation"]) < 0.2
    assert main(["evaluate", str(texts), *fast, "explanation=shapley"]) == 1
    assert "leaves out words and regions" in capsys.readouterr().err


def test_faithfulness_trains_by_pairs_and_leaves_pictures(output: Path) -> None:
    options = [*TINY, "task=faithfulness", "task.pairs=4", "encoder=bag", f"output={output}"]
    folder = train(compose(options))
    result = read_result(folder)
    assert 0 < result["metrics"]["validation/average_precision"] <= 1
    table = pq.read_table(folder / "per_query.parquet").to_pydict()
    assert len(table["unit_id"]) == 4
    mean = np.mean(table["deletion"])
    assert result["metrics"]["test/deletion"] == pytest.approx(mean, abs=1e-9)
    assert (folder / "removal.png").is_file()
    assert (folder / "explanation_1.png").is_file()
    assert result["clusters"] == ["left_id", "right_id"]


def test_runs_without_an_explanation_keep_their_identity() -> None:
    assert config_identity(compose(TINY)) == config_identity(compose([*TINY, "explanation=none"]))
