"""The loss of the next product; training by it is tried in tests/tasks/test_recommendation.py."""

from __future__ import annotations

import torch

from likewise.losses.next_softmax import NextSoftmax
from likewise.methods.sequence import SequenceLearning
from likewise.recommenders.sequences.gru import GRU
from likewise.recommenders.sequences.product_vectors import ProductVectors
from likewise.similarity.dot import Dot
from likewise.tasks.recommendation import Recommendation


def test_the_loss_leaves_padding_out():
    recommender = GRU(ProductVectors(6, 8)).eval()
    method = SequenceLearning(
        recommender, NextSoftmax(), None, Dot(), Recommendation({}, Dot()), {}
    )
    short = method.sequence_loss(torch.tensor([[1, 2]]))
    long = method.sequence_loss(torch.tensor([[1, 2, 3, 4, 5]]))
    both = method.sequence_loss(torch.tensor([[1, 2, -1, -1, -1], [1, 2, 3, 4, 5]]))
    torch.testing.assert_close(both, (short + 4 * long) / 5)
