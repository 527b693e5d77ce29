"""Weights & Biases offline runs, read back from their files; a crash is marked as one."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.callbacks import Callback

from likewise.cli import main
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.tracking import has_key
from likewise.runs.train import train


def records(path: Path) -> Iterator[bytes]:
    """The records of a W&B transaction log: a 7-byte header, then LevelDB's log format.

    Blocks of 32 KiB hold pieces with a header of checksum (4 bytes), length (2) and type (1: whole,
    2: first, 3: middle, 4: last).
    """
    content, place, pieces = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        if place + 7 + length > len(content):
            return
        pieces += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield pieces
            pieces = b""


def read_back(folder: Path) -> dict[str, Any]:
    """Config, history, summary and exit code of an offline run.

    W&B's service closes the file on its own; on a busy machine that is a moment after the run.
    """
    deadline = time.monotonic() + 60
    while (found := read_now(folder))["exit"] is None and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def read_now(folder: Path) -> dict[str, Any]:
    """What of an offline run is in its file."""
    from wandb.proto import wandb_internal_pb2

    found: dict[str, Any] = {"config": {}, "history": [], "summary": {}, "exit": None}
    for data in records(next(folder.glob("run-*.wandb"))):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found["id"], found["group"] = record.run.run_id, record.run.run_group
            updates = record.run.config.update
            found["config"] |= {item.key: json.loads(item.value_json) for item in updates}
        elif kind == "history":
            row = {"/".join(item.nested_key) or item.key: item for item in record.history.item}
            found["history"].append({key: json.loads(row[key].value_json) for key in row})
        elif kind == "summary":
            for item in record.summary.update:
                key = "/".join(item.nested_key) or item.key
                found["summary"][key] = json.loads(item.value_json)
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found


def offline(small: list[str], *more: str) -> Any:
    """A run's config with the W&B logger."""
    return compose([*(one for one in small if one != "logger=none"), "encoder=mlp", *more])


def test_runs_of_one_process_are_runs_of_their_own(small: list[str], tmp_path: Path) -> None:
    folders = []
    for seed in (0, 1):
        config = offline(small, f"seed={seed}")
        config.study = "mine"
        folders.append(train(config))
    logs = sorted((tmp_path / "runs" / "mine" / "wandb").glob("offline-run-*"))
    assert len(logs) == 2
    found = {log["config"]["seed"]: log for log in map(read_back, logs)}
    assert found.keys() == {0, 1}
    assert found[0]["id"] != found[1]["id"]
    for folder in folders:
        result = json.loads((folder / "result.json").read_text())
        log = found[result["seed"]]
        assert log["group"] == "mine"
        assert log["exit"] == 0
        assert log["config"]["encoder"]["hidden_sizes"] == [256, 256]
        losses = [row["train/loss"] for row in log["history"] if "train/loss" in row]
        kept = [row["train/loss"] for row in json.loads((folder / "history.json").read_text())]
        assert losses == pytest.approx(kept)
        assert any("neighbours" in key for row in log["history"] for key in row)
        assert any("similarity" in key for row in log["history"] for key in row)
        scores = {**result["metrics"], **{f"cost/{k}": v for k, v in result["cost"].items()}}
        assert log["summary"]["test/map_at_r"] == pytest.approx(scores["test/map_at_r"])
        assert log["summary"]["cost/parameters"] == scores["cost/parameters"]


def test_a_crashed_run_is_marked_failed(small: list[str], tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match="learning_rate"):
        train(offline(small, "method.learning_rate=1e30", "trainer.max_epochs=30"))
    (log,) = (tmp_path / "runs" / "train" / "wandb").glob("offline-run-*")
    assert read_back(log)["exit"] == 1
    assert not list(tmp_path.rglob("result.json"))


def test_an_unreachable_server_never_fails_a_run(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert has_key()
    folder = train(offline(small))
    assert (folder / "result.json").is_file()


def test_a_resumed_run_stays_one_run(small: list[str], tmp_path: Path) -> None:
    class Stop(Callback):
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(offline(small), (Stop(),))
    folder = train(offline(small))
    assert (folder / "result.json").is_file()
    logs = sorted((tmp_path / "runs" / "train" / "wandb").glob("offline-run-*"))
    assert len({read_back(log)["id"] for log in logs}) == 1


def test_csv_logger_keeps_the_curves(small: list[str]) -> None:
    config = compose([*(one for one in small if one != "logger=none"), "encoder=mlp", "logger=csv"])
    lines = (train(config) / "metrics.csv").read_text().splitlines()
    assert "train/loss" in lines[0]
    assert len(lines) >= 3


def test_a_comparison_is_a_run_of_its_own_in_the_study_s_group(
    small: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    methods = "methods:\n  mlp: [encoder=mlp]\n  rnn: [encoder=rnn, encoder.hidden_size=8]\n"
    (folder / "study.yaml").write_text(f"question: Which?\nseeds: [0]\n{methods}")
    options = [one for one in small if not one.startswith(("output", "logger"))]
    command = ["study", str(folder), "--output", str(tmp_path / "runs"), *options]
    assert main(command) == 0
    runs = sorted((tmp_path / "runs" / "mine" / "wandb").glob("offline-run-*"))
    assert len(runs) == 3
    found = [read_back(run) for run in runs]
    assert {one["group"] for one in found} == {"mine"}
    (comparison,) = [one for one in found if not one["config"].keys() - {"_wandb"}]
    logged = {key for row in comparison["history"] for key in row}
    assert any(key.startswith("methods") for key in logged)
    assert any(key.startswith("evidence") for key in logged)
    assert comparison["exit"] == 0
    # Nothing new to say, no new run.
    assert main(command) == 0
    assert len(list((tmp_path / "runs" / "mine" / "wandb").glob("offline-run-*"))) == 3
