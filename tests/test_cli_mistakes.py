"""What the verbs say of mistakes, of data and of studies that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_data

from likewise.cli import main

MISTAKES = {
    "text for a number": (["method.learning_rate=fast"], "learning_rate=fast must be a number"),
    "a negative rate": (["method.learning_rate=-1"], "must be at least 0"),
    "no encoder": (["encoder=null"], "must be a string"),
    "true half precision": (["trainer.precision=bf16-true"], "use bf16-mixed"),
    "unknown encoder": (["encoder=cmn"], "encoder/cmn"),
    "misspelt key": (["encoder.chanels=[8]"], "chanels"),
    "misspelt part": (["encodr=cnn"], "encodr"),
    "missing data": (["data.path=/nowhere/at/all"], "/nowhere/at/all"),
    "no value": (["method=distillation"], "write method.teacher=…"),
    "large batch": (["batch_size=500"], "120 training products"),
    "no validation": (["data.validation_size=0"], "validation_size=0"),
    "jaccard": (["similarity=jaccard"], "encoder.nonnegative=true"),
    "margins": (["loss=contrastive", "similarity=euclidean"], "loss=contrastive_euclidean"),
    "arcface": (["loss=arcface", "similarity=euclidean"], "similarity=cosine"),
    "labels": (["encoder=contrastive", "loss=proxy_anchor"], "loss=ntxent"),
    "method": (["method=adversarial"], "encoder=gan_augmented"),
    "wrapped": (["encoder=contrastive", "method=metric_learning"], "method=contrastive"),
    "primary": (["primary=map"], "map_at_r"),
    "protocol": (["protocol=both"], "leave_one_out"),
    "trainer": (["+trainer.epochs=3"], "epochs"),
    "accelerator": (["trainer.accelerator=warp"], "trainer"),
    "precision": (["trainer.precision=fp99"], "trainer"),
    "spawn": (["trainer.strategy=ddp_spawn"], "use ddp"),
    "no batch": (["batch_size=0"], "batch_size=0"),
    "word for number": (["batch_size=abc"], "batch_size=abc"),
    "negative seed": (["seed=-1"], "seed=-1"),
    "no size": (["memory_budget=abc"], "memory_budget=abc must be a size such as 500MB"),
    "negative size": (["memory_budget=-1GB"], "memory_budget=-1GB must be a size"),
    "negative workers": (["workers=-1"], "workers=-1 must be a whole number of at least 0"),
    "no epoch": (["trainer.max_epochs=0"], "max_epochs=0"),
    "no width": (["embedding_size=0"], "embedding_size=0"),
    "proxies": (
        ["similarity=jaccard", "encoder=mlp", "encoder.nonnegative=true", "loss=proxy_anchor"],
        "proxies",
    ),
    "cell": (["encoder=rnn", "encoder.cell=gruu"], "gru or lstm"),
    "nan": (["method.learning_rate=1e30", "trainer.max_epochs=30"], "method.learning_rate"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides, expected = MISTAKES[name]
    # Hydra takes the last of two overrides of one key.
    keys = [one.split("=")[0] for one in overrides]
    rest = [one for one in small if one.split("=")[0] not in keys]
    assert main(["train", *rest, *overrides]) == 1
    message = capsys.readouterr().err
    assert message.startswith("likewise: ")
    assert message.count("\n") == 1
    assert expected in message
    assert not list(tmp_path.rglob("result.json"))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"groups": 1}, "one group"),
        ({"train": 2, "test": 1}, "1 product"),
        ({"test": 1}, "at least one query"),
    ],
)
def test_too_little_data_is_one_sentence(
    sizes: dict[str, int],
    expected: str,
    small: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = write_data(tmp_path / "data", **sizes)
    validation = "data.validation_size=1" if sizes.get("train") == 2 else "data.validation_size=40"
    overrides = [f"data.path={folder}", validation]
    assert main(["train", *small, *overrides]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert expected in message
    assert not list(tmp_path.rglob("result.json"))


def test_data_without_pictures_or_known_groups_stop_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("product_id,title\n" + "".join(f"{row},lamp {row}\n" for row in range(9)))
    options = ["data=table", f"data.path={table}", "logger=none", f"output={tmp_path}"]
    assert main(["train", *options]) == 1
    assert (
        "task=retrieval needs groups of products, which these data do not have"
        in capsys.readouterr().err
    )
    rows = "".join(f"{row},lamp {row},{row % 4}\n" for row in range(80))
    grouped = tmp_path / "grouped.csv"
    grouped.write_text(f"product_id,title,group\n{rows}")
    options[1] = f"data.path={grouped}"
    assert main(["train", *options, "data.split_by=product"]) == 1
    assert "has no pictures" in capsys.readouterr().err


def test_unknown_run_study_and_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (
        ["evaluate", str(tmp_path)],
        ["study", "no_such_study"],
        ["compare", str(tmp_path)],
        ["train", "--config-dir", str(tmp_path / "none")],
    ):
        assert main(arguments) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_runs_of_two_tasks_in_one_folder(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "encoder=mlp", *small]) == 0
    output = f"output={tmp_path / 'runs'}"
    matching = ["task=matching", "data=synthetic", "encoder=bag", "method=pairs", output]
    assert main(["train", *matching, "trainer.max_epochs=1", "logger=none"]) == 0
    folder = str(tmp_path / "runs" / "train")
    capsys.readouterr()
    assert main(["compare", folder]) == 1
    assert "--primary f1" in capsys.readouterr().err
    assert main(["compare", folder, "--primary", "f1"]) == 0
    printed = capsys.readouterr().out
    assert "1 run that has no f1 is left out" in printed
    assert "bag alone was run" in printed


def test_a_study_whose_methods_are_one_run_is_refused(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "mine"
    study.mkdir()
    methods = "methods:\n  a: [encoder=mlp]\n  b: [encoder=rnn]\n"
    (study / "study.yaml").write_text(f"question: Which?\n{methods}")
    overrides = [one for one in small if not one.startswith("output")]
    for verb in (["study"], ["study", "--dry-run"], ["compare"]):
        assert main([*verb, str(study), "--output", str(tmp_path), *overrides, "encoder=cnn"]) == 1
        assert "the methods a and b are the same run with" in capsys.readouterr().err
    for more, expected in (
        ("seeds: []\n", "seeds is empty"),
        ("seeds: [0, 1, 0]\n", "different whole numbers"),
        ("seeds: [zero]\n", "different whole numbers"),
    ):
        (study / "study.yaml").write_text(f"question: Which?\n{methods}{more}")
        assert main(["study", str(study), *overrides]) == 1
        assert expected in capsys.readouterr().err
    (study / "study.yaml").write_text("question: Which?\nmethods: {../out: [encoder=mlp]}\n")
    assert main(["study", str(study), *overrides]) == 1
    assert "cannot name a folder" in capsys.readouterr().err
