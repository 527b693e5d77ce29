"""Training in the stages of a method, with Lightning; most methods have one."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from likewise.data.module import ProductModule
from likewise.encoders.frozen import caching_frozen_layers
from likewise.errors import LikewiseError
from likewise.experiment.targets import class_of
from likewise.methods.base import Method, Stage
from likewise.runs.resume import LastEpoch


@dataclass(frozen=True)
class Trained:
    """What the training of all stages gave.

    Attributes:
        trainer: of the last stage.
        score: the best validation score of the last stage.
        seconds: those of each stage.
        update_seconds: those of each stage that is an update.
        epochs: those of all stages together.
    """

    trainer: pl.Trainer
    score: float
    seconds: list[float]
    update_seconds: list[float]
    epochs: int


def train_stages(
    method: Method,
    module: ProductModule,
    config: DictConfig,
    folder: Path,
    logger: Any,
    callbacks: tuple[Callback, ...],
) -> Trained:
    """Train a method stage by stage; each ends with the weights of its best epoch.

    A resumed run goes through finished stages again, whose files say that nothing is left to do.
    """
    seconds: list[float] = []
    update_seconds: list[float] = []
    epochs = 0
    for number, stage in enumerate(method.stages(module)):
        place = folder / "checkpoints" / str(number)
        last = LastEpoch(place / "last.ckpt")
        trainer, best = _trainer(config, place, logger, (*callbacks, last), stage)
        if stage.max_epochs == 0:
            trainer.validate(method, stage.module, verbose=False)
            score = float(trainer.callback_metrics[f"validation/{chosen_by(config)}"])
        else:
            _fit(trainer, method, stage.module, last)
            checkpoint = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
            method.load_state_dict(checkpoint["state_dict"])
            assert best.best_model_score is not None
            score = float(best.best_model_score)
        seconds.append(last.seconds)
        update_seconds += [last.seconds] if stage.is_update else []
        epochs += trainer.current_epoch
    return Trained(trainer, score, seconds, update_seconds, epochs)


def _fit(trainer: pl.Trainer, method: Method, module: ProductModule, last: LastEpoch) -> None:
    try:
        with caching_frozen_layers(method):
            trainer.fit(method, module, ckpt_path=last.resume_from(), weights_only=True)
    except MisconfigurationException as error:
        raise LikewiseError(f"trainer: {error}") from error
    except SystemExit as exit_:
        # What Lightning makes of Ctrl+C, and of SIGTERM where the handler's own exit was lost
        # in code that swallows exceptions; the latter would end as a success.
        if exit_.code == 1:
            raise KeyboardInterrupt from None
        raise SystemExit(exit_.code or 128 + signal.SIGTERM) from None


def chosen_by(config: DictConfig) -> str:
    """Return the name of the validation score that picks the best epoch."""
    name: str = getattr(class_of(config.task), "chosen_by", None) or config.primary
    return name


def _trainer(
    config: DictConfig,
    folder: Path,
    logger: Any,
    callbacks: tuple[Callback, ...],
    stage: Stage,
) -> tuple[pl.Trainer, ModelCheckpoint]:
    options: Any = OmegaConf.to_container(config.trainer, resolve=True)
    patience = options.pop("patience")
    if stage.max_epochs is not None:
        options["max_epochs"] = stage.max_epochs
    monitor = f"validation/{chosen_by(config)}"
    best = ModelCheckpoint(folder, monitor=monitor, mode="max", save_top_k=1)
    watchers: list[Callback] = [best, *callbacks]
    if patience is not None:
        # Before the others: Lightning runs these callbacks in order, and what is saved of the
        # epoch has to hold the decision to stop.
        watchers.insert(0, EarlyStopping(monitor, patience=patience, mode="max"))
    try:
        trainer = pl.Trainer(
            **options,
            logger=logger or False,
            callbacks=watchers,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise LikewiseError(f"trainer: {error}") from error
    return trainer, best
