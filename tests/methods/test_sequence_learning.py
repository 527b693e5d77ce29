"""Training recommenders on the next product, by Lightning."""

from __future__ import annotations

import numpy as np
import pytorch_lightning as pl
import torch

from likewise.data.histories import Histories
from likewise.data.sequences import epoch_order, padded
from likewise.losses.next_softmax import NextSoftmax
from likewise.methods.sequence import SequenceLearning
from likewise.recommenders.gru import GRU
from likewise.recommenders.product_vectors import ProductVectors
from likewise.similarity.dot import Dot
from likewise.tasks.base import Task


def test_training_by_lightning_learns_the_next_product_and_counts_events():
    walks = Histories.of([[(start + step) % 6 for step in range(4)] for start in range(6)] * 10)
    pl.seed_everything(0)
    recommender = GRU(ProductVectors(6, 16), hidden_size=16, dropout=0.0)
    method = SequenceLearning(recommender, NextSoftmax(), None, Dot(), Task({}, Dot()), {}, 3e-2)
    batches = [(padded(walks, people, 50),) for people in epoch_order(walks, 20, 0, 0)]
    trainer = pl.Trainer(
        max_epochs=15,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(method, torch.utils.data.DataLoader(batches, batch_size=None))
    assert method.products_seen == 15 * 60 * 4
    scores = recommender.scores(Histories.of([[row] for row in range(6)]))
    np.testing.assert_array_equal(scores.argmax(1), (np.arange(6) + 1) % 6)
    losses = [entry["train/loss"] for entry in method.history]
    assert losses[-1] < losses[0] / 4


def test_the_loss_leaves_padding_out():
    recommender = GRU(ProductVectors(6, 8)).eval()
    method = SequenceLearning(recommender, NextSoftmax(), None, Dot(), Task({}, Dot()), {})
    short = method.training_loss(torch.tensor([[1, 2]]))
    long = method.training_loss(torch.tensor([[1, 2, 3, 4, 5]]))
    both = method.training_loss(torch.tensor([[1, 2, -1, -1, -1], [1, 2, 3, 4, 5]]))
    torch.testing.assert_close(both, (short + 4 * long) / 5)
