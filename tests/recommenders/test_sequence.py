"""Recommenders that read sequences, their losses and their batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from likewise.data.histories import Histories
from likewise.data.sequences import PADDING, padded
from likewise.encoders.bag import Bag
from likewise.errors import LikewiseError
from likewise.losses.next_bce import NextBinaryCrossEntropy
from likewise.losses.next_product import NextProductLoss, draw
from likewise.losses.next_sampled_softmax import NextSampledSoftmax
from likewise.losses.next_softmax import NextSoftmax
from likewise.recommenders.sequences.base import SequenceRecommender
from likewise.recommenders.sequences.gru import GRU
from likewise.recommenders.sequences.product_vectors import ProductVectors
from likewise.recommenders.sequences.sasrec import SASRec

KINDS = [GRU, SASRec]
LEARNERS = [
    (GRU, NextSoftmax()),
    (SASRec, NextSoftmax()),
    (SASRec, NextSampledSoftmax(16, 0.5)),
    (SASRec, NextBinaryCrossEntropy(5)),
]
histories = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=6)


def small(kind: type[SequenceRecommender], size: int = 10, **options: Any) -> SequenceRecommender:
    torch.manual_seed(0)
    return kind(ProductVectors(size, 16, **options), length=6).eval()


def train(
    recommender: SequenceRecommender, loss: NextProductLoss, seen: Histories, epochs: int
) -> None:
    size = recommender.products.size
    recommender.products.begin(torch.from_numpy(np.bincount(seen.products, minlength=size)))
    optimizer = torch.optim.AdamW(recommender.parameters(), lr=2e-2)
    for epoch in range(epochs):
        recommender.train()
        order = np.random.default_rng(epoch).permutation(np.flatnonzero(seen.lengths >= 2))
        for people in np.array_split(order, -(-len(order) // 32)):
            sequences = padded(seen, people, recommender.length + 1)
            targets = sequences[:, 1:]
            real = targets != PADDING
            states = recommender(sequences[:, :-1])[real]
            optimizer.zero_grad()
            loss(states, targets[real], recommender.products).backward()
            optimizer.step()


@given(histories, st.integers(1, 9))
def test_padded_keeps_the_latest_events(sequences: list[list[int]], length: int):
    table = padded(Histories.of(sequences), np.arange(len(sequences)), length)
    expected = [sequence[-length:] for sequence in sequences]
    assert [[v for v in row if v != PADDING] for row in table.tolist()] == expected
    # All padding is on the right, and one row has none.
    assert all(sorted(row, key=lambda v: v == PADDING) == row for row in table.tolist())
    assert table.shape[1] == max(map(len, expected))


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_product_never_changes_an_earlier_state(kind: type[SequenceRecommender]):
    recommender = small(kind)
    one = torch.tensor([[1, 2, 3, 4, 5, 6]])
    other = torch.tensor([[1, 2, 3, 7, PADDING, PADDING]])
    states, others = recommender(one), recommender(other)
    torch.testing.assert_close(states[:, :3], others[:, :3])
    assert (states[:, 3] - others[:, 3]).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(sequences=histories)
def test_scores_of_one_person_do_not_depend_on_the_others(
    kind: type[SequenceRecommender], sequences: list[list[int]]
):
    recommender = small(kind)
    together = recommender.scores(Histories.of(sequences))
    assert together.dtype == torch.float32
    for person, sequence in enumerate(sequences):
        if not sequence:
            assert (together[person] == 0).all()
            continue
        # Without padding, from the last state and the vectors.
        state = recommender(torch.tensor([sequence[-recommender.length :]]))[0, -1]
        expected = recommender.products.all() @ state
        torch.testing.assert_close(together[person], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("kind", "loss"), LEARNERS)
def test_learns_a_cycle(kind: type[SequenceRecommender], loss: NextProductLoss):
    cycle = [int(row) for row in np.random.default_rng(0).permutation(20)]
    walks = [[cycle[(start + step) % 20] for step in range(5)] for start in range(20)] * 4
    recommender = small(kind, 20)
    for part in recommender.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    train(recommender, loss, Histories.of(walks), epochs=40)
    scores = recommender.scores(Histories.of([walk[:3] for walk in walks[:20]]))
    assert scores.argmax(1).tolist() == [walk[3] for walk in walks[:20]]


def test_softmax_is_the_mean_negative_log_probability():
    vectors, states, targets = _case()
    logits = states @ vectors.all().detach().T
    expected = -np.mean(
        [float(row[target] - row.logsumexp(0)) for row, target in zip(logits, targets, strict=True)]
    )
    assert float(NextSoftmax()(states, targets, vectors).detach()) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_sampled_softmax_with_many_corrected_negatives_is_the_full_one(power: float):
    vectors, states, targets = _case()
    torch.manual_seed(0)
    estimate = float(NextSampledSoftmax(200_000, power)(states, targets, vectors).detach())
    logits = states @ vectors.all().detach().T
    own = logits.gather(1, targets[:, None]).squeeze(1)
    # The chance of the positive is corrected, too; its own draws are left out of the others.
    chances = (vectors.counts**power / (vectors.counts**power).sum()).log()
    expected = 0.0
    for row, (target, score) in enumerate(zip(targets.tolist(), own.tolist(), strict=True)):
        others = torch.cat([logits[row, :target], logits[row, target + 1 :]]).logsumexp(0)
        kept = score - float(chances[target]) - np.log(200_000)
        expected += np.logaddexp(kept, float(others)) - kept
    assert estimate == pytest.approx(expected / len(targets), rel=2e-2)


def test_binary_cross_entropy_is_of_one_positive_and_one_negative():
    vectors, states, targets = _case()
    torch.manual_seed(5)
    found = NextBinaryCrossEntropy()(states, targets, vectors)
    torch.manual_seed(5)
    drawn, _ = draw(vectors.counts, (len(targets), 1), 0.0)
    bce = nn.functional.binary_cross_entropy_with_logits
    table, total = vectors.all(), torch.zeros(())
    for state, target, negative in zip(states, targets, drawn[:, 0], strict=True):
        total = total + bce(table[target] @ state, torch.tensor(1.0))
        if target != negative:
            total = total + bce(table[negative] @ state, torch.tensor(0.0))
    torch.testing.assert_close(found, total / len(targets))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_draws_follow_the_counts(power: float):
    counts = torch.tensor([1.0, 4.0, 0.0, 9.0])
    torch.manual_seed(0)
    rows, chances = draw(counts, (40_000,), power)
    weights = counts.numpy() ** power
    np.testing.assert_allclose(chances.exp().numpy(), weights / weights.sum(), rtol=1e-5)
    found = np.bincount(rows.numpy(), minlength=4) / 40_000
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.01)


def test_content_places_a_product_that_nobody_bought():
    # Two kinds of products; people stay with one kind. Product 9 is of the second, and unseen.
    tokens = torch.tensor([[1], [1], [1], [1], [1], [2], [2], [2], [2], [2]], dtype=torch.int32)
    generator = np.random.default_rng(0)
    walks = [
        list(generator.permutation(np.arange(5) if person % 2 else np.arange(5, 9)))
        for person in range(100)
    ]
    encoder = Bag(3, 16, token_embedding_size=16, hidden_sizes=(), dropout=0.0)
    recommender = small(SASRec, encoder=encoder, content={"text": tokens})
    train(recommender, NextSoftmax(), Histories.of(walks), epochs=5)
    first, second = recommender.scores(Histories.of([[0, 1], [5, 6]]))[:, 9]
    assert second > first + 1
    unseen = recommender.products(torch.tensor([9]))
    torch.testing.assert_close(unseen, encoder(tokens[9:]))


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_saved_weights_give_equal_scores(trained: bool, own: bool):
    tokens = torch.randint(0, 7, (10, 3), dtype=torch.int32)

    def make(seed: int) -> SequenceRecommender:
        torch.manual_seed(seed)
        encoder = Bag(7, 8, token_embedding_size=8, hidden_sizes=())
        vectors = ProductVectors(
            10, 16, own=own, encoder=encoder, content={"text": tokens}, trained=trained
        )
        return SASRec(vectors, length=6)

    one, other = make(0), make(1)
    one.products.begin(torch.arange(10))
    people = Histories.of([[1, 2], [3]])
    assert not torch.equal(one.scores(people), other.scores(people))
    other.load_state_dict(one.state_dict())
    # What a frozen encoder says of the content is no weight; a run that is opened prepares again.
    other.products.hold({"text": tokens})
    assert torch.equal(one.scores(people), other.scores(people))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"content": {"text": torch.zeros(10, 1)}}, "needs their tensors"),
        ({"encoder": Bag(3, 4), "content": {"text": torch.zeros(9, 1)}}, "9 products"),
    ],
)
def test_vectors_say_what_is_missing(options: dict[str, Any], message: str) -> None:
    with pytest.raises(LikewiseError, match=message):
        ProductVectors(10, **options)


def _case() -> tuple[ProductVectors, torch.Tensor, torch.Tensor]:
    """Vectors of 10 products, 7 states and their next products."""
    torch.manual_seed(0)
    vectors = ProductVectors(10, 4)
    vectors.begin(torch.arange(1, 11))
    return vectors, torch.randn(7, 4), torch.randint(0, 10, (7,))
