"""What learns from all pairs at once."""

from __future__ import annotations

from typing import Any

from likewise.data.relevance import Pairs
from likewise.encoders.signals import SignalTrees
from likewise.methods.base import Method


class FitSignals(Method):
    """Fits ``encoder=signals`` in the first epoch, and stops."""

    name = "signals"
    trains_encoder = SignalTrees
    learns_from = Pairs
    encoder: SignalTrees

    def on_train_epoch_start(self) -> None:
        """See the class."""
        super().on_train_epoch_start()
        module: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        pairs = module.pair_split("train", self.device)
        loss = self.encoder.fit(pairs, self.similarity, module.seed)
        self.encoder.to(self.device)
        self.products_seen += 2 * len(pairs.labels)
        self._loss_sum += loss * self.trainer.num_training_batches

    def on_train_epoch_end(self) -> None:
        """See the class."""
        super().on_train_epoch_end()
        self.trainer.should_stop = True

    def training_step(self, batch: tuple[Any, ...], batch_idx: int) -> None:
        """Nothing is left to do."""
