"""Training on the next product of each sequence."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from likewise.data.sequences import PADDING
from likewise.methods.base import Method
from likewise.recommenders.sequence import SequenceRecommender


class SequenceLearning(Method):
    """Descends the loss of the next product at every place of a batch of sequences.

    A batch is int64 [b, l] catalogue rows, padded on the right with -1; see ``data.sequences``.
    ``encoder.products.begin`` takes the counts of training events before the first step.
    """

    name = "sequence"
    trains_encoder = SequenceRecommender
    reads_labels = False

    def training_loss(self, sequences: Tensor) -> Tensor:
        """The mean loss over the places that are followed by a product."""
        targets = sequences[:, 1:]
        real = targets != PADDING
        states = self.encoder(sequences[:, :-1])[real]
        return self.loss(states, targets[real], self.encoder.products)

    def count(self, batch: tuple[Any, ...]) -> None:
        """Count the events of a batch."""
        self.products_seen += int((batch[0] != PADDING).sum())
