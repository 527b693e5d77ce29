"""The verb ``likewise threshold`` and the uses of what it writes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

import likewise
from likewise.cli import main
from likewise.experiment.composition import compose
from likewise.experiment.identity import config_identity
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train

MATCHING = ["task=matching", "data=synthetic", "matcher=signals", "logger=none"]
TEXTS = ("title", "description", "brand", "category", "price")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return train(compose([*MATCHING, "matcher.n_estimators=20", f"output={folder}"]))


def said(capsys: pytest.CaptureFixture) -> dict[str, str]:
    lines = capsys.readouterr().out.strip().splitlines()
    return {line.split()[0]: line.partition(" ")[2].strip() for line in lines}


def test_a_promise_is_printed_written_and_used(run: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["threshold", str(run), "--precision", ".7", "--delta", ".2"]) == 0
    printed = said(capsys)
    written = json.loads((run / "threshold.json").read_text())
    assert written["promised"]
    assert float(printed["threshold"]) == pytest.approx(written["threshold"], rel=1e-5)
    assert "probability at least 0.8" in printed["promise"]
    assert f"precision {written['expected']['precision']:.4f}" in printed["expected"]
    # Matching uses it …
    saved = ["threshold=saved", f"threshold.path={run / 'threshold.json'}"]
    assert main(["evaluate", str(run), *saved]) == 0
    scores = said(capsys)
    assert float(scores["test/threshold"]) == pytest.approx(written["threshold"], abs=1e-5)
    # … and so does the loaded model.
    table = pq.read_table(run / "per_query.parquet")
    model = likewise.load(run)
    catalogue = open_run(run).data.catalogue
    places = {one: place for place, one in enumerate(catalogue["product_id"])}
    left, right = (
        [
            {key: value for key, value in catalogue[places[one]].items() if key in TEXTS}
            for one in table[side].to_pylist()
        ]
        for side in ("left_id", "right_id")
    )
    found, matched = model.is_match(left, right), model.match(left, right).double()
    assert found.tolist() == (matched >= written["threshold"]).tolist()
    assert 0 < found.sum() < len(found)


def test_every_rule_chooses_and_a_stream_is_followed(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["threshold", str(run), "--cost", "false_match=5,missed=1"]) == 0
    assert "mean profit" in said(capsys)["promise"]
    assert main(["threshold", str(run), "--precision", ".999"]) == 0
    printed = said(capsys)
    assert "cannot be promised" in printed["promise"]
    assert printed["threshold"] == "inf"
    assert "precision –, recall 0.0000" in printed["expected"]
    assert main(["threshold", str(run), "threshold=per_category", "threshold.shrinkage=5"]) == 0
    assert json.loads((run / "threshold.json").read_text())["by_category"]
    assert main(["threshold", str(run)]) == 0
    capsys.readouterr()
    best = json.loads((run / "threshold.json").read_text())["threshold"]
    assert best == read_result(run)["metrics"]["test/threshold"]
    (run / "threshold.json").unlink()
    feedback = tmp_path / "feedback.csv"
    feedback.write_text("score,label\n" + "99,0\n" * 3)
    follow = ["threshold", str(run), "threshold=adaptive", "--feedback", str(feedback)]
    assert main(follow) == 0
    first = float(said(capsys)["threshold"])
    assert main(follow) == 0
    assert float(said(capsys)["threshold"]) > first > best
    assert json.loads((run / "threshold.json").read_text())["state"]["false"] == 6


def test_the_rule_changes_the_test_and_not_the_training(run: Path) -> None:
    strict = train(
        compose(
            [
                *(*MATCHING, "matcher.n_estimators=20", f"output={run.parents[1]}"),
                *("threshold=target_precision", "threshold.precision=0.999"),
            ]
        )
    )
    one, other = read_result(run)["metrics"], read_result(strict)["metrics"]
    assert other["test/threshold"] == math.inf
    assert other["test/recall"] == 0
    for name in ("validation/f1", "test/pr_auc", "test/brier"):
        assert one[name] == other[name], name
    assert "cannot be promised" in read_result(strict)["notes"][0]


def test_other_tasks_take_no_threshold_and_stay_the_same_runs(
    capsys: pytest.CaptureFixture,
) -> None:
    config = compose(["data=synthetic"])
    assert not config.threshold
    identity = config_identity(config)
    OmegaConf.set_struct(config, False)
    del config["threshold"]
    assert config_identity(config) == identity
    assert main(["train", "data=synthetic", "threshold=best_f1", "logger=none"]) == 1
    assert "task=retrieval has no use for a threshold" in capsys.readouterr().err


def test_runs_from_before_thresholds_can_be_opened(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    from shutil import copytree

    old = copytree(run, tmp_path / "old")
    config = OmegaConf.load(old / "config.yaml")
    del config["threshold"]
    OmegaConf.save(config, old / "config.yaml")
    assert main(["evaluate", str(old)]) == 0
    best = read_result(run)["metrics"]["test/threshold"]
    assert float(said(capsys)["test/threshold"]) == pytest.approx(best, abs=1e-5)
    assert main(["threshold", str(old), "--precision", ".7"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precision", "1.5"], "must be between 0 and 1"),
        (["--delta", ".1"], "--delta belongs to --precision"),
        (["--cost", "falsch=1"], "must name some of false_match"),
        (["--cost", "missed=-1"], "declaring a match never gains"),
        (["--cost", "missed=much"], "must be a number"),
        (["--feedback", "FILE"], "does not follow feedback"),
        (["threshold=adaptive", "--feedback", "BROKEN"], "columns score"),
        (["threshold=saved", "threshold.path=nowhere.json"], "does not exist"),
        (["task=retrieval"], "not a run of task=matching"),
    ],
    ids=" ".join,
)
def test_bad_input_gets_one_sentence(
    arguments: list[str], message: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "FILE").write_text("score,label\n1,1\n")
    (tmp_path / "BROKEN").write_text("score\n1\n")
    named = [str(tmp_path / one) if one in ("FILE", "BROKEN") else one for one in arguments]
    (run / "threshold.json").unlink(missing_ok=True)
    assert main(["threshold", str(run), *named]) == 1
    assert message in capsys.readouterr().err
