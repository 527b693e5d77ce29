"""The verbs, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from conftest import write_data, write_idx

from likewise.cli import main
from likewise.data.relevance import Groups
from likewise.experiment.composition import compose
from likewise.experiment.data import load_data
from likewise.runs.saved import open_run


def likewise(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "likewise", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the MLP."""
    output = tmp_path_factory.mktemp("run")
    small = ["data.validation_size=40", "batch_size=40", "trainer.max_epochs=2", "logger=none"]
    arguments = ["train", "encoder=mlp", f"data.path={pictures}", *small, "embedding_size=16"]
    assert main([*arguments, f"output={output}"]) == 0
    (folder,) = (output / "train").iterdir()
    return folder


def test_help_is_instant() -> None:
    took = []
    for _ in range(3):
        start = time.perf_counter()
        assert "train" in likewise("--help").stdout
        took.append(time.perf_counter() - start)
    assert min(took) < 0.3


def test_a_run_is_a_folder_that_needs_nothing_else(run: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    assert result["name"] == "mlp"
    assert 0 < result["metrics"]["test/map_at_r"] <= 1
    assert result["cost"]["parameters"] > 0 < result["cost"]["flops_per_product"]
    assert result["environment"]["packages"]["torch"]
    per_query = pq.read_table(run / "per_query.parquet")
    assert per_query.num_rows == 60
    mean = np.nanmean(per_query["map_at_r"].to_numpy())
    assert mean == pytest.approx(result["metrics"]["test/map_at_r"], abs=1e-6)
    for name in ("config.yaml", "weights.safetensors", "history.json", "neighbours.png"):
        assert (run / name).is_file()
    assert not (run / "checkpoints").exists()
    assert len(json.loads((run / "history.json").read_text())) == 2


def test_evaluate_repeats_the_run_s_own_numbers(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(run)]) == 0
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    for name, value in printed.items():
        assert float(value) == pytest.approx(metrics[name], abs=1e-6)
    assert main(["evaluate", str(run), "similarity=euclidean", "--protocol=train_gallery"]) == 0
    other = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert other.keys() == printed.keys()


def test_evaluate_takes_another_protocol(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0)
    for prefix, count in (("train", 160), ("t10k", 60)):
        pictures = noise.integers(0, 255, (count, 28, 28))
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pictures)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(count) % 4)
    data = f"data.path={tmp_path}"
    assert main(["evaluate", str(run), data]) == 0
    alone = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert main(["evaluate", str(run), data, "--protocol=train_gallery"]) == 0
    gallery = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert gallery["test/map_at_r"] != alone["test/map_at_r"]
    opened = open_run(run, [data])
    queries, among = opened.embeddings("test"), opened.embeddings("train")
    near = torch.nn.functional.normalize(queries) @ torch.nn.functional.normalize(among).T
    known = opened.data.get(Groups)
    groups = [torch.from_numpy(known.labels_of(name)) for name in ("test", "train")]
    hit = groups[1][near.argmax(1)] == groups[0]
    assert float(gallery["test/recall_at_1"]) == pytest.approx(float(hit.double().mean()), abs=1e-6)


def test_a_finished_run_is_scored_by_another_task_and_on_other_data(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_data(tmp_path / "other", train=100, test=24)
    replaced = ["data=fashion_mnist", f"data.path={other}", "data.validation_size=20"]
    assert main(["evaluate", str(run), *replaced]) == 0
    assert "test/map_at_r" in capsys.readouterr().out
    assert main(["embed", str(run), *replaced, "--to", str(tmp_path / "e.parquet")]) == 0
    assert pq.read_table(tmp_path / "e.parquet").num_rows == 24
    capsys.readouterr()
    pairs = ["task=matching", "data=synthetic", "data.image_size=28"]
    # Pictures in colour are read in grey, as those of training were.
    assert main(["evaluate", str(run), *pairs]) == 0
    assert "test/f1" in capsys.readouterr().out
    assert main(["evaluate", str(run), *pairs[:2], "data.image_size=20"]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "set data.image_size" in message


def test_embed_and_matrix(run: Path, tmp_path: Path) -> None:
    table, matrix, pairs = tmp_path / "e.parquet", tmp_path / "m.npy", tmp_path / "p.parquet"
    assert main(["embed", str(run), "--to", str(table)]) == 0
    embeddings = np.stack(pq.read_table(table)["embedding"].to_numpy())
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    assert main(["matrix", str(run), "--to", str(matrix)]) == 0
    full = np.load(matrix, mmap_mode="r")
    assert np.allclose(full, unit @ unit.T, atol=1e-5)
    assert main(["matrix", str(run), "--top-k", "3", "--to", str(pairs)]) == 0
    assert pq.read_table(pairs).num_rows == 180
    assert main(["matrix", str(run), "--threshold", "0.8", "--to", str(pairs)]) == 0
    assert pq.read_table(pairs).num_rows == int((np.triu(full, 1) >= 0.8).sum())
    for limit in (["--top-k", "2"], ["--top-k", "3"], ["--threshold", "0.8"]):
        assert main(["matrix", str(run), *limit]) == 0
    names = [
        "pairs-test-threshold0.8.parquet",
        "pairs-test-top2.parquet",
        "pairs-test-top3.parquet",
    ]
    assert sorted(path.name for path in run.glob("pairs-*")) == names


def test_data_and_doctor(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", f"data.path={pictures}", "data.validation_size=40"]) == 0
    assert "220\n" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    command = [sys.executable, "-m", "likewise", "doctor"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE


def test_data_report_and_check(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"data.path={pictures}", "data.validation_size=40", f"output={tmp_path}"]
    assert main(["data", "report", *options]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1].split()[-1]).read_text()
    assert "Nothing was found that would spoil a study" in page
    assert main(["data", "check", *options]) == 0

    catalogue = tmp_path / "copies.csv"
    titles = {"train": "lamp {} of oak", "validation": "a tall {} chair", "test": "lamp {} of oak"}
    rows = [
        f"{part}{row},{title.format(row)},{row % 3},{part}"
        for part, title in titles.items()
        for row in range(12)
    ]
    catalogue.write_text("\n".join(["product_id,title,group,split", *rows]))
    options = ["data=table", f"data.path={catalogue}", f"output={tmp_path}"]
    capsys.readouterr()
    assert main(["data", "check", *options]) == 1
    printed = capsys.readouterr()
    assert "12 of 12 test products have an exact duplicate in train" in printed.err
    assert printed.err.count("\n") == 1
    assert main(["data", "report", *options]) == 0
    page = Path(capsys.readouterr().out.splitlines()[-1].split()[-1]).read_text()
    assert "1 finding would spoil a study" in page
    assert main(["data", "wrong", *options]) == 1
    assert "describe, report, check" in capsys.readouterr().err


def test_two_devices_make_one_run(small: list[str], tmp_path: Path) -> None:
    several = ["trainer.devices=2", "trainer.strategy=ddp", "encoder=mlp"]
    done = likewise("train", *small, *several)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("seed 0") == 1
    (folder,) = (tmp_path / "runs" / "train").iterdir()
    per_query = pq.read_table(folder / "per_query.parquet")
    assert per_query.num_rows == 60
    cost = json.loads((folder / "result.json").read_text())["cost"]
    # 120 products, 60 on each device, in batches of 40.
    assert cost["epochs"] == 2
    assert len(json.loads((folder / "history.json").read_text())) == 2


def test_multirun_and_compare(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = likewise("train", "-m", "encoder=mlp,rnn", "trainer.max_epochs=1", *small)
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "runs" / "train"
    assert len(list(runs.glob("*/result.json"))) == 2
    assert main(["compare", str(runs)]) == 0
    assert "mlp" in capsys.readouterr().out
    assert (runs / "report.html").is_file()


def test_study_runs_once_and_skips_what_is_finished(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "mine"
    study.mkdir()
    (study / "study.yaml").write_text(
        "question: Which?\nbaseline: mlp\nseeds: [0, 1]\n"
        "methods:\n  mlp: [encoder=mlp]\n  rnn: [encoder=rnn, encoder.hidden_size=16]\n"
    )
    overrides = [one for one in small if not one.startswith("output")]
    output = f"--output={tmp_path / 'runs'}"
    command = ["study", str(study), *overrides, output]
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("to run") == 4
    assert main(command) == 0
    assert capsys.readouterr().out.count("finished before") == 0
    assert main(command) == 0
    assert capsys.readouterr().out.count("finished before") == 4
    page = (tmp_path / "runs" / "mine" / "report.html").read_text()
    for part in ("Is the difference real?", "Queries worth a look", "Leaks between the splits"):
        assert part in page
    assert page.count("<img") == 2 + 2 + 4 + 3 + 2 * 3
    (study / "study.yaml").write_text("question: Which?\nmetods: {}\n")
    assert main(["study", str(study), output]) == 1
    assert "metods" in capsys.readouterr().err


def test_an_encoder_from_outside_the_package(small: list[str], tmp_path: Path) -> None:
    configs = tmp_path / "parts" / "configs" / "encoder"
    configs.mkdir(parents=True)
    (tmp_path / "parts" / "tiny_encoder.py").write_text(
        "from torch import nn\n"
        "from likewise.encoders.base import Encoder\n"
        "class Tiny(Encoder):\n"
        "    def __init__(self, input_shape, embedding_size):\n"
        "        super().__init__(embedding_size)\n"
        "        self.layer = nn.Linear(input_shape[1] * input_shape[2], embedding_size)\n"
        "    def features(self, products):\n"
        "        return self.layer(products.flatten(1))\n"
    )
    (configs / "tiny.yaml").write_text(
        "_target_: tiny_encoder.Tiny\n"
        "input_shape: ${sizes.image.input_shape}\nembedding_size: ${embedding_size}\n"
    )
    own = ["--config-dir", str(configs.parent)]
    done = likewise("train", "encoder=tiny", *small, *own)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs" / "train").iterdir()
    refused = likewise("evaluate", str(folder), *own)
    assert refused.returncode == 1
    assert "tiny_encoder.Tiny" in refused.stderr
    assert likewise("evaluate", str(folder), *own, "--allow", "tiny_encoder").returncode == 0


def test_train_says_what_reading_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "products.csv"
    parts = ["train"] * 20 + ["val"] * 8 + ["test"] * 8 + ["trian"] * 12
    rows = [f"p{row},lamp {row % 4} no {row},{row % 4},{part}" for row, part in enumerate(parts)]
    table.write_text("\n".join(["product_id,title,group,split", *rows, "p0,again,1,train"]))
    options = ["data=table", f"data.path={table}", "encoder=bag", "trainer.max_epochs=1"]
    assert main(["train", *options, "logger=none", f"output={tmp_path}"]) == 0
    printed = capsys.readouterr().out
    assert "data: 12 products kept, but in no split" in printed
    assert "data: 1 product left out: an earlier product has the same product_id" in printed
    (result,) = tmp_path.rglob("result.json")
    assert len(json.loads(result.read_text())["data_findings"]) >= 2
    one_group = [row.replace(",1,val", ",0,val").replace(",2,val", ",0,val") for row in rows]
    one_group = [row.replace(",3,val", ",0,val") for row in one_group]
    other = tmp_path / "one_group.csv"
    other.write_text("\n".join(["product_id,title,group,split", *one_group]))
    options[1] = f"data.path={other}"
    assert main(["train", *options, "logger=none", f"output={tmp_path}"]) == 1
    assert "all 8 validation products are of one group" in capsys.readouterr().err


def test_the_data_s_identity_holds_splits_and_relevance(pictures: Path) -> None:
    options = [f"data.path={pictures}", "data.validation_size=40"]
    changes = ([], ["data.test_size=40"], ["data.split_seed=1"], ["data.train_size=80"])
    found = {load_data(compose([*options, *change])).fingerprint for change in changes}
    assert len(found) == 4
    again = load_data(compose(["data=fashion_mnist", *options]))
    assert again.fingerprint in found
