"""A run cut off anywhere goes on to the same numbers, bit for bit."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from safetensors.torch import load_file

from likewise.experiment.composition import compose
from likewise.experiment.experiment import Loader
from likewise.runs import train as train_module
from likewise.runs.folder import is_finished
from likewise.runs.train import train


class PowerCut(Exception):
    """No one catches this one."""


class CutInStep(Callback):
    """The power fails after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self.steps -= 1
        if self.steps == 0:
            raise PowerCut


def numbers(folder: Path) -> tuple[Any, Any, Any]:
    result = json.loads((folder / "result.json").read_text())
    history = json.loads((folder / "history.json").read_text())
    return result["metrics"], result["cost"]["epochs"], history


def assert_same(one: Path, other: Path) -> None:
    assert numbers(one) == numbers(other)
    first, second = (load_file(folder / "weights.safetensors") for folder in (one, other))
    assert all(first[name].equal(second[name]) for name in first)
    assert (one / "per_query.parquet").read_bytes() == (other / "per_query.parquet").read_bytes()


def disturb_random_generators() -> None:
    random.seed(99)
    np.random.seed(99)
    torch.manual_seed(99)


@pytest.mark.parametrize("encoder", ["cnn", "gan_augmented", "contrastive"])
def test_resumed_is_equal_to_uninterrupted(encoder: str, small: list[str], tmp_path: Path) -> None:
    config = [*small, f"encoder={encoder}", "trainer.max_epochs=3"]
    whole = train(compose([*config, f"output={tmp_path / 'whole'}"]))
    # Three steps an epoch: cut in the first epoch, in the second, and at the end of the third.
    for steps in (2, 5, 3):
        with pytest.raises(PowerCut):
            train(compose(config), (CutInStep(steps),))
        assert not is_finished(Loader().experiment(compose(config)).folder)
        disturb_random_generators()
    assert_same(train(compose(config)), whole)


def test_a_run_cut_off_in_its_test_is_not_trained_again(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A learning rate of zero: training stops early, which a resumed run has to remember.
    options = ["encoder=rnn", "trainer.max_epochs=9", "trainer.patience=1"]
    config = [*small, *options, "method.learning_rate=0"]
    whole = train(compose([*config, f"output={tmp_path / 'whole'}"]))
    with monkeypatch.context() as patched:
        patched.setattr(train_module, "write_table", CutInStep(1).on_train_batch_end)
        with pytest.raises(PowerCut):
            train(compose(config))
    trained = []

    class Count(Callback):
        def on_train_batch_end(self, *_: Any, **__: Any) -> None:
            trained.append(1)

    resumed = train(compose(config), (Count(),))
    assert not trained
    assert_same(resumed, whole)


def test_a_cut_while_saving_leaves_the_epoch_before(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = [*small, "encoder=mlp", "trainer.max_epochs=3"]
    whole = train(compose([*config, f"output={tmp_path / 'whole'}"]))
    save = pl.Trainer.save_checkpoint
    calls = []

    def torn(trainer: pl.Trainer, path: Any, *rest: Any, **options: Any) -> None:
        if str(path).endswith("last.ckpt.partial"):
            calls.append(path)
            if len(calls) == 2:
                Path(path).write_bytes(b"half")
                raise PowerCut
        save(trainer, path, *rest, **options)

    with monkeypatch.context() as patched:
        patched.setattr(pl.Trainer, "save_checkpoint", torn)
        with pytest.raises(PowerCut):
            train(compose(config))
    assert_same(train(compose(config)), whole)
