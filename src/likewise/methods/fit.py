"""Fitting to all training pairs at once, without gradient descent."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.methods.base import Method


@runtime_checkable
class Fittable(Protocol):
    """The interface of matchers that ``method=fit`` trains; they set ``trained_by = "fit"``."""

    def fit(self, pairs: LabelledPairs, seed: int) -> float:
        """Learn everything from the training pairs and return their mean loss."""
        ...


class Fit(Method):
    """Fits a matcher to all training pairs in the first epoch and ends the training."""

    name = "fit"
    trains_matcher = Fittable
    made_for = "matcher=signals"
    learns_from = Pairs
    matcher: Any

    def on_train_epoch_start(self) -> None:
        """Fit the matcher."""
        super().on_train_epoch_start()
        module: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        pairs = module.pair_split("train", self.device)
        loss = self.matcher.fit(pairs, module.seed)
        self.matcher.to(self.device)
        self.products_seen += 2 * len(pairs.labels)
        self._loss_sum += loss * self.trainer.num_training_batches

    def on_train_epoch_end(self) -> None:
        """Log the loss and end the training."""
        super().on_train_epoch_end()
        self.trainer.should_stop = True

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> None:
        """Do nothing; the matcher was fitted when the epoch started."""
