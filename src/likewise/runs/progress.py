"""The progress bar of training."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress(Callback):
    """Shows the epoch, the last validation score and the remaining time of a run."""

    def __init__(self, title: str, primary: str) -> None:
        self.title, self.primary = title, primary

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the bar on a terminal only; elsewhere one line per run is enough."""
        if not trainer.is_global_zero or not Console().is_terminal:
            return
        self._bar = Progress(
            TextColumn(self.title),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} % {task.fields[score]}"),
            TimeRemainingColumn(),
            transient=True,
        )
        total = int(trainer.max_epochs or 1) * int(trainer.num_training_batches)
        self._task = self._bar.add_task("", total=total or None, score="")
        self._bar.start()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Advance the bar by one step."""
        if hasattr(self, "_bar"):
            self._bar.advance(self._task)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the validation score."""
        score = trainer.callback_metrics.get(f"validation/{self.primary}")
        if hasattr(self, "_bar") and score is not None:
            self._bar.update(self._task, score=f"{self.primary} {float(score):.3f}")

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remove the bar."""
        self._stop()

    def on_exception(self, *_: Any) -> None:
        """Remove the bar."""
        self._stop()

    def _stop(self) -> None:
        if hasattr(self, "_bar"):
            self._bar.stop()
