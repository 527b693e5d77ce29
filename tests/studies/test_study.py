"""A study under kills, beside itself, and as an ablation; all through the real command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from likewise.cli import main
from likewise.errors import LikewiseError, MissingRun
from likewise.evidence.results import read_finished
from likewise.runs.folder import RunBusy
from likewise.studies.study import _all, open_study, run_study

ROOT = Path(__file__).resolve().parents[2]
METHODS = "methods:\n  mlp: [encoder=mlp]\n  rnn: [encoder=rnn, encoder.hidden_size=8]\n"


def write_study(folder: Path, text: str, seeds: str = "[0, 1]") -> Path:
    """A study of tiny encoders."""
    folder.mkdir()
    (folder / "study.yaml").write_text(f"question: Which?\nseeds: {seeds}\n{text}")
    return folder


def overrides(small: list[str]) -> list[str]:
    return [one for one in small if not one.startswith("output")]


def test_killed_at_random_moments_it_ends_with_the_same_numbers(
    small: list[str], tmp_path: Path
) -> None:
    study = write_study(tmp_path / "mine", "methods:\n  mlp: [encoder=mlp]\n")
    script = ROOT / "scripts" / "torture_resume.py"
    options = ["--study", str(study), "--kills", "1", "--", *overrides(small)]
    done = subprocess.run(
        [sys.executable, str(script), *options, "trainer.max_epochs=20"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kill 1 after" in done.stdout
    assert "bit for bit" in done.stdout


def test_two_processes_share_a_study(small: list[str], tmp_path: Path) -> None:
    study = write_study(tmp_path / "mine", METHODS)
    command = [sys.executable, "-m", "likewise", "study", str(study)]
    command += ["--output", str(tmp_path / "runs"), *overrides(small), "trainer.max_epochs=5"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    lines = [line for out, _ in outputs for line in out.splitlines() if line.startswith("[")]
    assert len(lines) == 8
    trained = sorted(line.split(":")[0] for line in lines if "finished before" not in line)
    assert len(trained) == len(set(trained)) == 4
    assert len(list((tmp_path / "runs" / "mine").glob("*/result.json"))) == 4


def test_a_run_that_reads_another_waits_for_the_process_that_trains_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("likewise.studies.study.time.sleep", lambda _: None)
    passes: list[int] = []

    def work(place: int) -> str:
        passes.append(place)
        # Run 1 is of another process, until its third try; run 2 reads it; nothing trains run 3.
        if place == 1 and passes.count(1) < 3:
            raise RunBusy("busy")
        if (place == 2 and passes.count(1) < 3) or place == 3:
            raise MissingRun(f"nothing that run {place} reads")
        return f"run {place}"

    with pytest.raises(MissingRun, match="run 3 reads"):
        _all(work, 4)
    assert capsys.readouterr().out.split("\n") == ["run 0", "run 1", "run 2", ""]


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_kill_ends_it_promptly(
    kind: signal.Signals, small: list[str], tmp_path: Path
) -> None:
    study = write_study(tmp_path / "mine", METHODS)
    command = [sys.executable, "-m", "likewise", "study", str(study)]
    command += ["--output", str(tmp_path / "runs"), *overrides(small)]
    process = subprocess.Popen(
        [*command, "trainer.max_epochs=100000", "trainer.patience=null"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A suite started in the background ignores Ctrl+C, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/mine/*/checkpoints/0/last.ckpt")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, kind)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if kind == signal.SIGINT else 143)
    assert "Traceback" not in errors
    assert not list(tmp_path.glob("runs/mine/*/result.json"))


def test_an_ablation_measures_each_change_from_the_base(small: list[str], tmp_path: Path) -> None:
    text = (
        "ablate:\n  base: [encoder=mlp, 'encoder.hidden_sizes=[16]']\n  changes:\n"
        "    no dropout: [encoder.dropout=0]\n    no weight decay: [method.weight_decay=0]\n"
    )
    study = open_study(
        str(write_study(tmp_path / "mine", text)), str(tmp_path / "runs"), overrides(small)
    )
    assert list(study.config.methods) == ["base", "no dropout", "no weight decay"]
    assert study.config.baseline == "base"
    assert study.fixed("no dropout")[-len(study.overrides) - 1] == "encoder.dropout=0"
    run_study(study)
    results = read_finished(study.folder)
    assert len(results) == 6
    config = (results[2].folder / "config.yaml").read_text()
    assert results[2].name == "no dropout"
    assert re.search(r"dropout: 0$", config, re.MULTILINE)
    for wrong in ("ablate:\n  base: []\n", text + METHODS, "overrides: []\n"):
        folder = tmp_path / f"wrong{len(wrong)}"
        with pytest.raises(LikewiseError, match=r"ablate needs base and changes|lacks methods"):
            open_study(str(write_study(folder, wrong)))


def test_a_deterministic_method_runs_once_and_counts_for_every_seed(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "deterministic: [pixels]\nmethods:\n  mlp: [encoder=mlp]\n"
        "  pixels: [encoder=pixels, method=none]\n"
    )
    place = [str(write_study(tmp_path / "mine", text)), "--output", str(tmp_path / "runs")]
    assert main(["study", *place, *overrides(small)]) == 0
    printed = capsys.readouterr().out
    assert "[3/3]" in printed
    assert "Caution" not in printed
    runs = tmp_path / "runs" / "mine"
    assert {path.parent.name.rsplit("-", 2)[0] for path in runs.glob("*/result.json")} == {
        "mlp-seed0",
        "mlp-seed1",
        "pixels-seed0",
    }
    page = (runs / "RESULTS.md").read_text()
    assert "pixels: Nothing in it is random, so that it was run once" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| pixels |")][:1]
    assert row.split("|")[2].strip() == "2"
    assert "± 0.0000" in row


def test_a_wrong_combination_is_found_before_anything_is_trained(
    small: list[str], tmp_path: Path
) -> None:
    text = "methods:\n  good: [encoder=mlp]\n  bad: [encoder=mlp, loss=arcface, similarity=dot]\n"
    study = open_study(
        str(write_study(tmp_path / "mine", text)), str(tmp_path / "runs"), overrides(small)
    )
    with pytest.raises(LikewiseError, match="similarity=cosine"):
        run_study(study)
    assert not list(study.folder.glob("*/result.json"))


def test_comparing_a_study_leaves_out_runs_that_are_no_longer_its_own(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_study(tmp_path / "mine", METHODS)
    place = [str(folder), "--output", str(tmp_path / "runs"), *overrides(small)]
    assert main(["study", *place]) == 0
    text = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(text.replace("hidden_size=8", "hidden_size=9"))
    capsys.readouterr()
    assert main(["compare", *place]) == 0
    printed = capsys.readouterr().out
    assert "mine: 2 of 4 runs are finished" in printed
    assert "mlp alone was run" in printed
    table = (tmp_path / "runs" / "mine" / "evidence.csv").read_text()
    assert len(table.splitlines()) == 1
    assert json.loads((tmp_path / "runs" / "mine" / "leaks.json").read_text())["counts"]


@pytest.mark.parametrize(
    ("text", "override", "said"),
    [
        ("baseline: ghost\n", None, "baseline ghost is not a method"),
        ("", "seed=3", "a study sets seed itself"),
        ("deterministic: [cnn]\n", None, "deterministic names cnn, no method"),
        ("", "evaluate_on=validation", "a study sets evaluate_on itself"),
    ],
)
def test_what_a_study_cannot_do_is_said_before_it_starts(
    text: str, override: str | None, said: str, tmp_path: Path
) -> None:
    folder = write_study(tmp_path / "mine", text + METHODS)
    with pytest.raises(LikewiseError, match=said):
        open_study(str(folder), str(tmp_path), [override] if override else [])


def test_methods_are_ranked_over_data_sets(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "overrides: [embedding_size=8]\n"
        "methods:\n  mlp: [encoder=mlp]\n  rnn: [encoder=rnn, encoder.hidden_size=8]\n"
        "  still: [encoder=mlp, method.learning_rate=0]\n"
        "datasets:\n  few: [data.train_size=60]\n  all: []\n"
    )
    folder = write_study(tmp_path / "mine", text, seeds="[0]")
    options = [one for one in overrides(small) if not one.startswith("embedding")]
    assert main(["study", str(folder), "--output", str(tmp_path / "runs"), *options]) == 0
    printed = capsys.readouterr().out
    runs = tmp_path / "runs" / "mine"
    assert len(list(runs.glob("few/*/result.json"))) == 3
    assert len(list(runs.glob("all/*/result.json"))) == 3
    page = (runs / "RESULTS.md").read_text()
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| ")][2:]
    table = {row[0].strip(): [float(cell) for cell in row[1:]] for row in rows}
    assert table.keys() == {"mlp", "rnn", "still"}
    for name, (rank, *scores) in table.items():
        # One more than the methods ahead of it, and half of those level with it.
        places = [
            1 + sum((other > own) + (other == own) / 2 for key, other in row if key != name)
            for own, row in (
                (score, [(key, values[1 + i]) for key, values in table.items()])
                for i, score in enumerate(scores)
            )
        ]
        assert rank == pytest.approx(sum(places) / 2, abs=0.01)
    assert "ranks best over 2 data sets" in printed
    assert (runs / "ranks.png").is_file()
    assert (runs / "few" / "report.html").is_file()


def test_the_page_of_a_data_set_does_not_wait_for_the_next_one(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "methods:\n  mlp: [encoder=mlp]\ndatasets:\n  there: []\n  wrong: [sampler=nowhere]\n"
    folder = write_study(tmp_path / "mine", text, seeds="[0]")
    runs = tmp_path / "runs"
    assert main(["study", str(folder), "--output", str(runs), *overrides(small)]) != 0
    assert "nowhere" in capsys.readouterr().err
    assert "mlp" in (runs / "mine" / "there" / "RESULTS.md").read_text()
    assert not (runs / "mine" / "RESULTS.md").exists()
