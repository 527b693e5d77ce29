"""Resuming of interrupted runs, with the same numbers as without an interruption."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint


class LastEpoch(Checkpoint):
    """Saves the state after the last complete epoch in one file, atomically.

    In addition to what Lightning saves (weights, optimisers, schedules, callbacks), it saves the
    state of every random generator and the seconds trained so far. The order of an epoch's products
    depends on the seed and the epoch alone (see ``ProductModule``).

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0
        self._random: dict[str, Any] | None = None
        self._started: float | None = None

    def resume_from(self) -> str | None:
        """Return the file to resume from, as ``Trainer.fit`` takes it."""
        return str(self.path) if self.path.is_file() else None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock and, in a resumed run, apply an early stop that was already decided."""
        self._started = time.perf_counter() - self.seconds
        for callback in trainer.early_stopping_callbacks:
            if callback.wait_count > 0 and callback.wait_count >= callback.patience:
                trainer.should_stop = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the random generators in the first epoch of a resumed run."""
        if self._random is not None:
            _set_random_state(self._random)
            self._random = None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the state; the previous file is kept until the new one is complete."""
        self._clock()
        partial = self.path.with_name(self.path.name + ".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            os.replace(partial, self.path)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop the clock."""
        self._clock()

    def state_dict(self) -> dict[str, Any]:
        """Return the seconds and random states for Lightning's checkpoint."""
        return {"seconds": self.seconds, "random": _random_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Counterpart of ``state_dict``."""
        self.seconds, self._random = state_dict["seconds"], state_dict["random"]

    def _clock(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if self._started is not None:
            self.seconds = time.perf_counter() - self._started


def _random_state() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        # As a tensor, so that the checkpoint loads without unpickling arrays.
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "python": random.getstate(),
    }


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    random.setstate(state["python"])
