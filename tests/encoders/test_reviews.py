"""Attention over reviews: absent ones weigh nothing, and a telling one is found."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from likewise.encoders.reviews import ReviewAttention, masked_softmax
from likewise.experiment.composition import compose

VOCABULARY = 20
REVIEWS = st.lists(
    st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=5), min_size=0, max_size=4
)


@cache
def evaluated() -> ReviewAttention:
    torch.manual_seed(0)
    return ReviewAttention(VOCABULARY, 6, token_embedding_size=8).eval()


def filled(products: list[list[list[int]]], most: int = 4, length: int = 5) -> Tensor:
    ids = torch.zeros(len(products), most, length, dtype=torch.int32)
    for row, reviews in enumerate(products):
        for place, review in enumerate(reviews):
            ids[row, place, : len(review)] = torch.tensor(review, dtype=torch.int32)
    return ids


def test_the_config_takes_the_vocabulary_of_the_reviews() -> None:
    sizes = [f"sizes.reviews.vocabulary_size={VOCABULARY}", "embedding_size=12"]
    encoder = instantiate(compose(["encoder=reviews", *sizes]).encoder)
    assert encoder({"reviews": filled([[[1, VOCABULARY - 1]], []])}).shape == (2, 12)


def test_masked_softmax_by_hand() -> None:
    scores = torch.tensor([[math.log(1.0), 90.0, math.log(3.0)], [5.0, 5.0, 5.0], [2.0, 0.0, 0.0]])
    mask = torch.tensor([[True, False, True], [False] * 3, [True, False, False]])
    expected = torch.tensor([[0.25, 0.0, 0.75], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert torch.allclose(masked_softmax(scores, mask), expected)


def test_masked_softmax_s_gradient_is_finite_and_zero_outside_the_mask() -> None:
    scores = torch.randn(3, 4, requires_grad=True)
    mask = torch.tensor([[True, True, False, True], [False] * 4, [True, False, False, False]])
    (masked_softmax(scores, mask) * torch.arange(4.0)).sum().backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
    assert not scores.grad[~mask].any()
    assert scores.grad[0, mask[0]].all()


def test_embedding_by_hand() -> None:
    encoder = evaluated()
    rows = encoder.tokens.weight
    means = torch.stack([(rows[1] + rows[2]) / 2, rows[3]])
    scores = encoder.query(torch.tanh(encoder.key(means))).squeeze(1)
    one, other = (scores - scores.logsumexp(0)).exp()
    expected = encoder.head(one * means[0] + other * means[1])
    assert torch.allclose(encoder(filled([[[1, 2], [3]]]))[0], expected, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(
    products=st.lists(REVIEWS, min_size=1, max_size=4),
    reviews=st.integers(4, 7),
    length=st.integers(5, 8),
)
def test_neither_absent_reviews_nor_padding_nor_the_batch_counts(
    products: list[list[list[int]]], reviews: int, length: int
) -> None:
    encoder = evaluated()
    together = encoder(filled(products, reviews, length))
    longest = [max(map(len, product), default=0) for product in products]
    alone = torch.cat(
        [
            encoder(filled([product], max(1, len(product)), size))
            for product, size in zip(products, longest, strict=True)
        ]
    )
    assert together.isfinite().all()
    assert torch.allclose(together, alone, atol=1e-5)


@settings(deadline=None, max_examples=20)
@given(order=st.permutations([[1, 2], [3], [4, 4, 5], []]))
def test_reviews_have_no_order_and_absent_ones_may_stand_anywhere(order: list[list[int]]) -> None:
    found = evaluated()(filled([order, [[1, 2], [3], [4, 4, 5]]]))
    assert torch.allclose(found[0], found[1], atol=1e-6)


@pytest.mark.parametrize("length", [0, 1, 6])
def test_a_product_without_reviews_is_what_the_last_layer_makes_of_zero(length: int) -> None:
    encoder = evaluated()
    found = encoder(torch.zeros(3, 2, length, dtype=torch.int32))
    assert torch.allclose(found, encoder.head(torch.zeros(3, 8)))


def test_gradient_reaches_every_parameter_beside_products_without_reviews() -> None:
    encoder = ReviewAttention(VOCABULARY, 6)
    encoder(filled([[[1, 2], [3]], [], [[4]]])).square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()
    assert encoder.tokens.weight.grad is not None
    assert not encoder.tokens.weight.grad[0].any()


def test_learns_which_review_tells_the_group_and_looks_at_it() -> None:
    torch.manual_seed(0)
    encoder = ReviewAttention(VOCABULARY, 4, token_embedding_size=16)
    ids = torch.randint(3, VOCABULARY, (64, 4, 3))
    labels = torch.arange(64) % 2
    telling = torch.arange(64) % 4
    # One short review says 1 or 2, and nothing else does.
    ids[torch.arange(64), telling] = 0
    ids[torch.arange(64), telling, 0] = 1 + labels
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=2e-2)
    for _ in range(60):
        loss = F.cross_entropy(encoder(ids)[:, :2], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    unseen = torch.tensor([[[5, 6, 7], [1, 0, 0], [8, 9, 10]]])
    means = torch.stack([encoder.tokens.weight[row[row > 0]].mean(0) for row in unseen[0]])
    assert encoder.weights(means[None], unseen)[0].argmax() == 1


def test_everything_is_made_on_the_device_of_the_reviews() -> None:
    ids = torch.ones(2, 3, 4, dtype=torch.int32, device="meta")
    assert ReviewAttention(VOCABULARY, 6).to("meta")(ids).device.type == "meta"


def test_embeddings_are_nonnegative_where_that_is_asked() -> None:
    encoder = ReviewAttention(VOCABULARY, 6, nonnegative=True)
    assert (encoder(filled([[[1, 2]], []])) >= 0).all()
