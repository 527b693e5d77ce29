"""The encoder of attributes: numbers and categories, either, and neither."""

from __future__ import annotations

import pytest
import torch
from hydra.utils import instantiate
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.attributes import AttributeMLP
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose

CARDINALITIES = [3, 50]


def table(rows: int, numeric: int, cardinalities: list[int]) -> Tensor:
    """Float32 [rows, numeric + categories] as the reader makes it."""
    generator = torch.Generator().manual_seed(0)
    codes = [torch.randint(0, size, (rows, 1), generator=generator) for size in cardinalities]
    return torch.cat([torch.randn(rows, numeric, generator=generator), *codes], dim=1).float()


def test_the_config_takes_its_sizes_from_the_data() -> None:
    sizes = [
        "sizes.attributes.numeric=4",
        f"sizes.attributes.cardinalities={CARDINALITIES}",
        "embedding_size=12",
    ]
    encoder = instantiate(compose(["encoder=attributes", *sizes]).encoder)
    assert encoder({"attributes": table(6, 4, CARDINALITIES)}).shape == (6, 12)


@pytest.mark.parametrize(("numeric", "cardinalities"), [(4, CARDINALITIES), (0, [3]), (2, [])])
def test_trains_with_numbers_or_categories_or_both(numeric: int, cardinalities: list[int]) -> None:
    encoder = AttributeMLP(numeric, cardinalities, 12)
    # One product is batch enough.
    for rows in (1, 5):
        products = table(rows, numeric, cardinalities)
        encoder.zero_grad()
        encoder(products).square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())
    assert all(p.grad is not None and p.grad.any() for p in encoder.parameters())


def test_data_without_any_attribute_are_refused_in_a_sentence() -> None:
    with pytest.raises(LikewiseError, match="no attribute"):
        AttributeMLP(0, [], 12)


def test_a_product_s_embedding_does_not_depend_on_its_batch() -> None:
    encoder = AttributeMLP(4, CARDINALITIES, 12).eval()
    products = table(5, 4, CARDINALITIES)
    products[2] = 0
    alone = torch.cat([encoder(row[None]) for row in products])
    assert alone.isfinite().all()
    assert torch.allclose(encoder(products), alone, atol=1e-5)


def test_without_hidden_layers_it_is_linear_in_numbers_and_category_embeddings() -> None:
    encoder = AttributeMLP(2, CARDINALITIES, 6, max_category_embedding_size=8, hidden_sizes=())
    first, second = encoder.categories
    assert isinstance(first, nn.Embedding)
    assert isinstance(second, nn.Embedding)
    # No more dimensions than codes.
    assert (first.embedding_dim, second.embedding_dim) == (3, 8)
    numbers = torch.tensor([0.5, -1.0])
    missing = torch.cat([numbers, torch.zeros(3), second.weight[49]])
    known = torch.cat([numbers, first.weight[2], second.weight[49]])
    products = torch.tensor([[0.5, -1.0, 0.0, 49.0], [0.5, -1.0, 2.0, 49.0]])
    expected = encoder.layers(torch.stack([missing, known]))
    assert torch.allclose(encoder(products), expected, atol=1e-6)


def test_a_missing_category_is_not_trained() -> None:
    encoder = AttributeMLP(2, CARDINALITIES, 6)
    encoder(torch.tensor([[0.5, 1.0, 0.0, 7.0]])).sum().backward()
    first, second = (embedding.weight.grad for embedding in encoder.categories)
    assert isinstance(first, Tensor)
    assert isinstance(second, Tensor)
    assert not first.any()
    assert second.any(1).nonzero().flatten().tolist() == [7]


def test_learns_from_a_category_and_a_number() -> None:
    torch.manual_seed(0)
    encoder = AttributeMLP(1, [5], 4)
    products = table(64, 1, [5])
    # Neither alone tells the label.
    labels = ((products[:, 0] > 0) ^ (products[:, 1] > 2)).long()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(encoder(products)[:, :2], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2


def test_everything_is_made_on_the_device_of_the_attributes() -> None:
    encoder = AttributeMLP(4, CARDINALITIES, 6).to("meta")
    assert encoder(table(2, 4, CARDINALITIES).to("meta")).device.type == "meta"


def test_embeddings_are_nonnegative_where_that_is_asked() -> None:
    encoder = AttributeMLP(4, CARDINALITIES, 6, nonnegative=True)
    assert (encoder(table(9, 4, CARDINALITIES)) >= 0).all()
