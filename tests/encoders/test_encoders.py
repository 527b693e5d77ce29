"""Every shipped encoder of pictures: shape, gradients, determinism, non-negative output."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate

from likewise.encoders.cnn import CNN
from likewise.encoders.gan_augmented import GanAugmented
from likewise.experiment.composition import compose, shipped
from likewise.experiment.features import modalities
from likewise.runs.cost import flops_per_product

SHIPPED = sorted(path.stem for path in Path(shipped("configs") / "encoder").glob("*.yaml"))
ENCODERS = [
    name
    for name in SHIPPED
    if modalities(compose([f"encoder={name}", "text=pretrained"])) == ["image"]
]


def make(name: str, *overrides: str, shape: tuple[int, int, int] = (1, 28, 28)) -> torch.nn.Module:
    # A pretrained network's weights are far away; its architecture is here.
    more = ["encoder.weights=random"] if name == "pretrained_image" else []
    config = compose([f"encoder={name}", "embedding_size=24", *more, *overrides])
    config.sizes.image.input_shape, config.num_groups = list(shape), 5
    torch.manual_seed(0)
    return instantiate(config.encoder)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 21)])
@pytest.mark.parametrize("name", ENCODERS)
def test_embeds_any_picture_shape_and_learns(name: str, shape: tuple[int, int, int]) -> None:
    encoder = make(name, shape=shape)
    images = torch.rand(6, *shape)
    embeddings = encoder(images)
    used = getattr(encoder, "base", encoder)
    if not list(used.parameters()):
        # Raw pixels have a width of their own and nothing to learn.
        assert embeddings.shape == (6, encoder.embedding_size)
        return
    assert embeddings.shape == (6, 24)
    embeddings.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in used.parameters())


@pytest.mark.parametrize("name", ENCODERS)
def test_embedding_of_a_product_does_not_depend_on_its_batch(name: str) -> None:
    encoder = make(name).eval()
    images = torch.rand(5, 1, 28, 28)
    alone = torch.cat([encoder(image[None]) for image in images])
    assert torch.allclose(encoder(images), alone, atol=1e-5)


@pytest.mark.parametrize("base", ["mlp", "cnn", "rnn"])
@pytest.mark.parametrize("name", ["gan_augmented", "contrastive"])
def test_wrappers_take_any_base(name: str, base: str) -> None:
    encoder = make(name, f"encoder@encoder.base={base}", "encoder.base.nonnegative=true")
    assert type(encoder.base).__name__.lower() == base
    assert (encoder(torch.randn(4, 1, 28, 28)) >= 0).all()


def test_generator_makes_pictures_of_the_catalogue_s_shape() -> None:
    encoder = make("gan_augmented", shape=(3, 33, 21))
    assert isinstance(encoder, GanAugmented)
    made = encoder.generate(torch.tensor([0, 4, 4]))
    assert made.shape == (3, 3, 33, 21)
    assert made.min() >= 0
    assert made.max() <= 1
    assert not torch.equal(made[1], made[2])


def test_cost_of_a_convolution_by_hand() -> None:
    encoder = CNN((1, 8, 8), embedding_size=5, channels=(4,), convolutions=(1,)).eval()
    # 3x3 convolution without bias, batch normalisation, linear layer over mean and maximum.
    assert encoder.count_parameters() == 9 * 4 + 2 * 4 + 2 * 4 * 5 + 5
    product = {"image": torch.rand(1, 1, 8, 8)}
    assert flops_per_product(encoder, product) == 2 * (9 * 4 * 64 + 2 * 4 * 5)


def test_recurrent_products_are_counted() -> None:
    encoder = make("rnn").eval()
    # 28 rows, 2 directions, 3 gates of 128, from a row of 28 and a state of 128; then the head.
    expected = 2 * (28 * 2 * 3 * 128 * (28 + 128) + 4 * 128 * 24)
    assert flops_per_product(encoder, {"image": torch.rand(1, 1, 28, 28)}) == expected
