"""Training on the next product of each sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.data.relevance import Events
from likewise.data.sequences import PADDING, padded
from likewise.losses.next_product import NextProductLoss
from likewise.methods.base import Method
from likewise.recommenders.sequences.base import SequenceRecommender


class SequenceLearning(Method):
    """Descends the loss of the next product at every place of the histories of some users.

    A batch is int64 [b], places among the users with training events.
    """

    name = "sequence"
    trains_encoder = nn.Module
    trains_scorer = SequenceRecommender
    made_for = "recommender=sasrec or gru"
    reads_labels = False
    learns_from = Events
    loss_kind = NextProductLoss
    scorer: SequenceRecommender

    def on_fit_start(self) -> None:
        """Take the histories, the counts of products and the content of the catalogue."""
        module = self.data_module
        events = module.data.get(Events, "method=sequence")
        rows = events.splits["train"]
        self.histories = events.histories(rows, events.persons(rows))
        counts = torch.bincount(
            torch.from_numpy(self.histories.products), minlength=len(module.data.catalogue)
        )
        self.scorer.prepare(module)
        self.scorer.to(self.device)
        self.scorer.products.begin(counts.to(self.device))

    def training_loss(self, people: Tensor) -> Tensor:
        """The mean loss of the next product of the histories of some users, int64 [b]."""
        length = self.scorer.length + 1
        sequences = padded(self.histories, people.cpu().numpy(), length).to(self.device)
        self.products_seen += int((sequences != PADDING).sum())
        return self.sequence_loss(sequences)

    def sequence_loss(self, sequences: Tensor) -> Tensor:
        """The mean loss over the places that are followed by a product.

        Args:
            sequences: int64 [b, l], padded on the right.
        """
        targets = sequences[:, 1:]
        real = targets != PADDING
        states = self.scorer(sequences[:, :-1])[real]
        if not len(states):
            return states.sum()
        return self.loss(states, targets[real], self.scorer.products)
