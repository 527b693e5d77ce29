"""Learning at once, without gradient steps."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.methods.base import Method


@runtime_checkable
class Fittable(Protocol):
    """What ``method=fit`` trains: a part that says ``trained_by = "fit"`` and has this method."""

    def fit(self, pairs: LabelledPairs, seed: int) -> float:
        """Learn everything from the training pairs; returns their mean loss."""
        ...


class Fit(Method):
    """Fits a scorer to all training pairs in the first epoch, and stops."""

    name = "fit"
    trains_scorer = Fittable
    made_for = "matcher=signals"
    learns_from = Pairs
    scorer: Any

    def on_train_epoch_start(self) -> None:
        """See the class."""
        super().on_train_epoch_start()
        module: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        pairs = module.pair_split("train", self.device)
        loss = self.scorer.fit(pairs, module.seed)
        self.scorer.to(self.device)
        self.products_seen += 2 * len(pairs.labels)
        self._loss_sum += loss * self.trainer.num_training_batches

    def on_train_epoch_end(self) -> None:
        """See the class."""
        super().on_train_epoch_end()
        self.trainer.should_stop = True

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> None:
        """Nothing is left to do."""
