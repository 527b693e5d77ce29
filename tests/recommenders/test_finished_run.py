"""A finished run of gradient steps as a part of a hybrid and of a fusion."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_events, write_shop

from likewise.cli import main
from likewise.data.histories import Histories
from likewise.data.relevance import Events
from likewise.errors import LikewiseError
from likewise.recommenders.combined.hybrid import Hybrid, _validation
from likewise.recommenders.counts.popular import Popular
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run

ADDED = "+recommender@recommender.parts.gru=finished_run"
HYBRID = [
    *("recommender=hybrid", "~recommender.parts.two_steps", "recommender.candidates=10"),
    *("~recommender.parts.transitions", "~recommender.parts.together", ADDED),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


def options(shop: Path, output: Path, *more: str) -> list[str]:
    data = ["data=amazon_reviews", f"data.path={shop}", "logger=none", f"output={output}"]
    return ["train", "task=recommendation", *data, *more]


@pytest.fixture(scope="module")
def trained(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("gru")
    steps = ["recommender=gru", "method=sequence", "trainer.max_epochs=20", "batch_size=20"]
    small = ["recommender.products.width=16", "method.learning_rate=0.02"]
    assert main(options(shop, output, *steps, *small)) == 0
    return next((output / "train").glob("gru-*"))


@pytest.mark.parametrize(
    "kind",
    [[*HYBRID, "recommender.weights_from=validation"], ["recommender=rank_fusion", ADDED]],
    ids=["hybrid", "rank_fusion"],
)
def test_the_new_run_stands_alone(
    kind: list[str], shop: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "gru"
    shutil.copytree(trained, copy)
    pattern = f"recommender.parts.gru.run='{tmp_path}/g*u'"
    assert main(options(shop, tmp_path, *kind, pattern)) == 0
    (folder,) = (tmp_path / "train").glob("*-seed0-*")
    shutil.rmtree(copy)
    capsys.readouterr()
    assert main(["evaluate", str(folder)]) == 0
    result = read_result(folder)
    assert any("weights of the hybrid" in note for note in result["notes"]) == ("hybrid" in kind[0])
    found = result["metrics"]["test/ndcg_at_10"]
    assert f"test/ndcg_at_10 {found:.6f}" in capsys.readouterr().out
    part = next(m for m in open_run(folder).scorer.modules() if type(m).__name__ == "FinishedRun")
    asked = Histories.of([[3, 4, 5], [7]])
    expected = open_run(trained).scorer.scores(asked).cpu()
    torch.testing.assert_close(part.scores(asked), expected)


def test_weights_come_from_the_first_validation_event_of_each_person() -> None:
    data = make_events(9, [[0, 1, 2, 3], [4, 5], [6, 7, 8]])
    events = data.get(Events)
    events.splits["train"] = np.array([0, 1, 4, 6])
    events.splits["validation"] = np.array([3, 2, 8])
    asked, targets = _validation(events, events.splits["train"], 10, seed=0)
    assert [asked[i : i + 1].products.tolist() for i in range(2)] == [[0, 1], [6]]
    assert targets.tolist() == [2, 8]


MISTAKES = {
    "weights from training": (HYBRID, "set recommender.weights_from=validation"),
    "a strange split": ([*HYBRID, "recommender.weights_from=test"], "one of train, validation"),
    "other splits": (
        [*HYBRID, "recommender.weights_from=validation", "data.split_by=cold_users"],
        "another catalogue or other splits",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(
    name: str, shop: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = MISTAKES[name]
    assert main(options(shop, tmp_path, *more, f"recommender.parts.gru.run={trained}")) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert expected in message


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (["recommender=content", "encoder=attributes"], "reads the content of products"),
        (["recommender=popular", "method.refit=true"], "learned from the validation events"),
        (None, "names 0 finished runs"),
    ],
    ids=["encoder", "refit", "nothing"],
)
def test_runs_that_cannot_be_parts(
    train: list[str] | None,
    expected: str,
    shop: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "nothing"
    if train is not None:
        assert main(options(shop, tmp_path, *train)) == 0
        (run,) = (tmp_path / "train").glob("*")
    capsys.readouterr()
    more = ["recommender=rank_fusion", ADDED, f"recommender.parts.gru.run={run}"]
    assert main(options(shop, tmp_path, *more)) == 1
    assert expected in capsys.readouterr().err


def test_a_hybrid_needs_validation_events_for_weights_from_them() -> None:
    with pytest.raises(LikewiseError, match="weights_from=tests must be one of"):
        Hybrid({"popular": Popular()}, weights_from="tests")
    events = make_events(3, [[0, 1], [1, 2]]).get(Events)
    events.splits["validation"] = np.zeros(0, np.int64)
    with pytest.raises(LikewiseError, match="needs validation events"):
        _validation(events, events.splits["train"], 10, 0)


def test_a_study_combines_a_run_of_its_own(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "pair" / "study.yaml"
    study.parent.mkdir()
    study.write_text(
        "question: Does a recommender help that the study itself trains?\n"
        "primary: ndcg_at_10\nseeds: [0, 1]\n"
        f"overrides: [task=recommendation, data=amazon_reviews, 'data.path={shop}', logger=none]\n"
        "methods:\n"
        "  gru: [recommender=gru, method=sequence, trainer.max_epochs=1, batch_size=20]\n"
        "  fusion:\n"
        "    - recommender=rank_fusion\n"
        f"    - {ADDED}\n"
        "    - \"recommender.parts.gru.run='runs/pair/gru-seed\\\\${seed}-*'\"\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["study", str(study.parent)]) == 0
    folders = sorted(Path("runs/pair").glob("fusion-*"))
    assert len(folders) == 2
    for seed, folder in enumerate(folders):
        assert f"runs/pair/gru-seed{seed}-" in (folder / "config.yaml").read_text()
