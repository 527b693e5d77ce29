"""Encoders of texts: padding and the batch never count, the tokens do, a small task is learned."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hydra.utils import instantiate
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.bag import Bag
from likewise.encoders.base import Encoder
from likewise.encoders.text_cnn import TextCNN
from likewise.encoders.text_rnn import TextRNN
from likewise.experiment.composition import compose

ENCODERS = ["bag", "text_cnn", "text_rnn"]
VOCABULARY = 20
TEXTS = st.lists(st.lists(st.integers(1, VOCABULARY - 1), max_size=7), min_size=1, max_size=5)


def make(name: str, *overrides: str) -> Encoder:
    sizes = [f"sizes.text.vocabulary_size={VOCABULARY}", "embedding_size=12"]
    torch.manual_seed(0)
    return instantiate(compose([f"encoder={name}", *sizes, *overrides]).encoder)


@cache
def evaluated(name: str) -> Encoder:
    return make(name).eval()


def filled(texts: list[list[int]], padding: int = 0, dtype: torch.dtype = torch.int32) -> Tensor:
    length = max(map(len, texts)) + padding
    rows = [[*text, *[0] * (length - len(text))] for text in texts]
    return torch.tensor(rows, dtype=dtype).view(len(texts), length)


def loss_of_training(encoder: Encoder, ids: Tensor, labels: Tensor, steps: int) -> float:
    """The last loss of telling the labels by the first entries of the embedding."""
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=5e-3)
    for _ in range(steps):
        loss = F.cross_entropy(encoder(ids)[:, :2], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("name", ENCODERS)
@settings(deadline=None, max_examples=40)
@given(texts=TEXTS, padding=st.integers(0, 6))
def test_neither_padding_nor_the_rest_of_the_batch_counts(
    name: str, texts: list[list[int]], padding: int
) -> None:
    encoder = evaluated(name)
    together = encoder(filled(texts, padding))
    # A text alone has no padding; one without tokens not even a place for any.
    alone = torch.cat([encoder(filled([text])) for text in texts])
    assert together.isfinite().all()
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_products_without_text_share_one_finite_embedding(name: str) -> None:
    encoder = evaluated(name)
    shapes = [(1, 0), (3, 0), (1, 1), (2, 9)]
    found = torch.cat([encoder(torch.zeros(shape, dtype=torch.int32)) for shape in shapes])
    assert found.shape == (7, 12)
    assert found.isfinite().all()
    assert torch.allclose(found, found[:1].expand_as(found), atol=1e-6)


@pytest.mark.parametrize("name", ENCODERS)
def test_ids_may_be_of_32_or_64_bits(name: str) -> None:
    texts = [[3, 1, 4], [1], []]
    short, long = (filled(texts, dtype=dtype) for dtype in (torch.int32, torch.int64))
    assert torch.equal(evaluated(name)(short), evaluated(name)(long))


@pytest.mark.parametrize("name", ENCODERS)
def test_gradient_reaches_every_parameter_but_that_of_padding(name: str) -> None:
    encoder = make(name)
    encoder(filled([[1, 2, 3, 4, 5], [6], []])).square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()
    tokens = encoder.tokens
    assert isinstance(tokens, nn.Embedding)
    assert tokens.weight.grad is not None
    assert tokens.weight.grad.any(1).nonzero().flatten().tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ENCODERS)
def test_trains_on_a_single_product_and_on_none_with_text(name: str) -> None:
    encoder = make(name)
    for ids in (filled([[1, 2]]), filled([[], []])):
        encoder.zero_grad()
        encoder(ids).sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("name", ENCODERS)
def test_learns_which_token_tells_the_group(name: str) -> None:
    encoder = make(name)
    # Tokens 1 and 2 tell the group, somewhere among others.
    ids = torch.randint(3, VOCABULARY, (64, 6), generator=torch.Generator().manual_seed(0))
    labels = torch.arange(64) % 2
    ids[torch.arange(64), torch.arange(64) % 6] = 1 + labels
    assert loss_of_training(encoder, ids, labels, steps=30) < 0.1


@pytest.mark.parametrize("name", ["text_cnn", "text_rnn"])
def test_learns_the_order_of_tokens(name: str) -> None:
    ids, labels = filled([[1, 2, 0], [2, 1, 0]] * 8), torch.arange(16) % 2
    assert loss_of_training(make(name), ids, labels, steps=30) < 0.1


@given(text=st.permutations([1, 2, 2, 5, 9]))
@settings(deadline=None, max_examples=20)
def test_a_bag_has_no_order(text: list[int]) -> None:
    bag = evaluated("bag")
    assert torch.allclose(bag(filled([text])), bag(filled([[1, 2, 2, 5, 9]])), atol=1e-5)


def test_a_bag_without_layers_is_the_mean_of_its_tokens() -> None:
    bag = Bag(VOCABULARY, embedding_size=4, token_embedding_size=4, hidden_sizes=())
    rows = bag.tokens.weight
    expected = torch.stack([(rows[1] + rows[1] + rows[7]) / 3, rows[2], torch.zeros(4)])
    assert torch.allclose(bag(filled([[1, 1, 7], [2], []])), expected, atol=1e-6)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_packed_states_are_those_of_each_text_alone(cell: str) -> None:
    encoder = make("text_rnn", f"encoder.cell={cell}").eval()
    assert isinstance(encoder, TextRNN)
    texts = [[5], [1, 2, 3, 4, 5, 6], [7, 8, 9]]
    for text, embedding in zip(texts, encoder(filled(texts, padding=2)), strict=True):
        states, _ = encoder.recurrent(encoder.tokens(torch.tensor([text])))
        pooled = torch.cat([states.mean(1), states.amax(1)], dim=1)
        assert torch.allclose(encoder.head(pooled)[0], embedding, atol=1e-5)


def test_convolutions_see_every_window_inside_the_text_and_no_other() -> None:
    encoder = TextCNN(VOCABULARY, 6, token_embedding_size=5, kernel_sizes=(1, 3), channels=4).eval()
    text = [4, 9, 2, 7]
    table = encoder.tokens(torch.tensor(text))
    found = []
    for span, convolution in zip(encoder.kernel_sizes, encoder.convolutions, strict=True):
        assert isinstance(convolution, nn.Conv1d)
        assert convolution.bias is not None
        windows = [table[start : start + span].T for start in range(len(text) - span + 1)]
        maps = [(convolution.weight * window).sum((1, 2)) + convolution.bias for window in windows]
        found.append(torch.stack(maps).relu().amax(0))
    expected = encoder.head(torch.cat(found))
    assert torch.allclose(encoder(filled([text], padding=3))[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_embeddings_are_nonnegative_where_that_is_asked(name: str) -> None:
    encoder = make(name, "encoder.nonnegative=true").eval()
    assert (encoder({"text": filled([[1, 2, 3], []])}) >= 0).all()


@pytest.mark.parametrize("name", ["bag", "text_cnn"])
def test_everything_is_made_on_the_device_of_the_text(name: str) -> None:
    # Lengths of packed sequences must go to the CPU, which the meta device cannot do.
    ids = torch.ones(2, 3, dtype=torch.int32, device="meta")
    assert make(name).to("meta")(ids).device.type == "meta"


def test_an_unknown_cell_is_refused_by_name() -> None:
    with pytest.raises(Exception, match="'elman' is unknown; it can be gru or lstm"):
        make("text_rnn", "encoder.cell=elman")
