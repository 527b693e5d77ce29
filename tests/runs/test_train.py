"""A real fit: repeatable, chosen on validation, finished or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from safetensors.torch import load_file

from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.experiment.parts import make_task
from likewise.runs import train as train_module
from likewise.runs.folder import is_finished
from likewise.runs.saved import open_run
from likewise.runs.train import train

ENCODERS = ("mlp", "cnn", "rnn", "gan_augmented", "contrastive")


def result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


@pytest.mark.parametrize("encoder", ENCODERS)
def test_same_config_same_numbers_and_weights(
    encoder: str, small: list[str], tmp_path: Path
) -> None:
    folders = [
        train(compose([*small, f"encoder={encoder}", f"output={tmp_path / name}"]))
        for name in ("one", "two")
    ]
    first, second = map(result, folders)
    assert first["metrics"] == second["metrics"]
    assert first["id"] == second["id"]
    one, two = (load_file(folder / "weights.safetensors") for folder in folders)
    assert one.keys() == two.keys()
    assert all(one[name].equal(two[name]) for name in one)


def test_a_seed_changes_the_numbers_and_the_folder(small: list[str]) -> None:
    folders = [train(compose([*small, "encoder=rnn", f"seed={seed}"])) for seed in (0, 1)]
    assert folders[0] != folders[1]
    histories = [(folder / "history.json").read_text() for folder in folders]
    assert histories[0] != histories[1]


def test_identity_ignores_names_and_places_and_nothing_else(small: list[str]) -> None:
    def identity(*more: str) -> str:
        return (
            Loader()
            .experiment(compose([*small, "encoder=mlp", *more]))
            .folder.name.split("-seed")[-1]
        )

    same = identity()
    assert identity("name=other", "logger=csv", "output=elsewhere") == same
    for change in ("seed=1", "encoder.dropout=0.2", "data.train_size=100", "loss=triplet"):
        assert identity(change) != same


def test_trained_beats_untrained(small: list[str]) -> None:
    trained = train(compose([*small, "encoder=rnn", "trainer.max_epochs=15"]))
    frozen = train(compose([*small, "encoder=rnn", "method.learning_rate=0"]))
    gain = result(trained)["metrics"]["test/map_at_r"] - result(frozen)["metrics"]["test/map_at_r"]
    assert gain > 0.1


def test_the_best_epoch_of_validation_is_what_is_tested(small: list[str]) -> None:
    folder = train(compose([*small, "encoder=rnn", "trainer.max_epochs=6"]))
    history = json.loads((folder / "history.json").read_text())
    best = max(epoch["validation/map_at_r"] for epoch in history)
    assert result(folder)["metrics"]["validation/map_at_r"] == pytest.approx(best)
    run = open_run(folder)
    scores = make_task(run.config).test(run.scorer, run.module, "validation", run.device).scores
    assert scores["validation/map_at_r"] == pytest.approx(best, abs=1e-6)


def test_training_stops_early_without_improvement(small: list[str]) -> None:
    options = ["method.learning_rate=0", "trainer.max_epochs=20", "trainer.patience=2"]
    # An encoder without batch normalisation, whose running statistics move at any learning rate.
    folder = train(compose([*small, "encoder=rnn", *options]))
    assert result(folder)["cost"]["epochs"] == 3


def test_a_finished_run_is_not_trained_again(small: list[str]) -> None:
    class Refuse(Callback):
        def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            raise AssertionError("trained again")

    config = [*small, "encoder=mlp"]
    assert train(compose(config)) == train(compose(config), (Refuse(),))


def test_an_interrupted_run_is_not_finished_and_can_be_run_again(small: list[str]) -> None:
    class Interrupt(Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            raise KeyboardInterrupt

    config = [*small, "encoder=mlp"]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(compose(config), (Interrupt(),))
    folder = Loader().experiment(compose(config)).folder
    assert not is_finished(folder)
    train(compose(config))
    assert is_finished(folder)


def test_a_full_disk_is_one_sentence(small: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose([*small, "encoder=mlp"])
    folder = Loader().experiment(config).folder
    folder.mkdir(parents=True)
    # Every write to this device fails as on a full disk.
    (folder / f"result.json.{os.getpid()}.partial").symlink_to("/dev/full")
    with pytest.raises(LikewiseError, match="No space left"):
        train(config)
    assert not is_finished(folder)
    monkeypatch.setattr(train_module, "NEEDED_BYTES", 10**18)
    with pytest.raises(LikewiseError, match="are free"):
        train(config)


@pytest.mark.parametrize(
    "wrong",
    [
        "os.system",
        "likewise.runs.train.torch.load",
        "likewise.runs.saved.open_run",
        "torch.nn.init.normal_",
        "'${oc.env:HOME}'",
    ],
)
def test_a_saved_config_cannot_build_what_it_likes(small: list[str], wrong: str) -> None:
    folder = train(compose([*small, "encoder=mlp"]))
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("likewise.encoders.mlp.MLP", wrong))
    with pytest.raises(LikewiseError, match=r"wants to build|runs do not leave there"):
        open_run(folder)


def test_an_allowance_is_for_a_package_not_for_a_prefix(small: list[str]) -> None:
    folder = train(compose([*small, "encoder=mlp"]))
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("likewise.encoders.mlp.MLP", "json.JSONEncoder"))
    with pytest.raises(LikewiseError, match="wants to build"):
        open_run(folder, allow=("jso",))


def test_a_collapsed_encoder_finishes_with_its_poor_scores(small: list[str]) -> None:
    config = [*small, "encoder=mlp", "method.learning_rate=1e6", "trainer.max_epochs=1"]
    metrics = result(train(compose(config)))["metrics"]
    assert 0 <= metrics["test/map_at_r"] < 1


def test_changed_source_of_a_user_s_part_is_another_run(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    part = tmp_path / "own_part_of_a_user.py"
    overrides = [*small, "encoder=mlp", "encoder._target_=own_part_of_a_user.Own"]
    folders = []
    for text in ("class Own: pass\n", "class Own: ...\n"):
        part.write_text(text)
        folders.append(Loader().experiment(compose(overrides)).folder)
    assert folders[0] != folders[1]


def test_weights_of_another_architecture(small: list[str]) -> None:
    folder = train(compose([*small, "encoder=mlp"]))
    with pytest.raises(LikewiseError, match="does not fit"):
        open_run(folder, ["encoder.hidden_sizes=[8]"])
