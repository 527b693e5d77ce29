"""Pretrained image networks; their weights here are files that the tests write."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from likewise.encoders.image_network import MEAN, STD
from likewise.encoders.pretrained_image import PretrainedImage
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.saved import open_run
from likewise.runs.train import train

SHAPE = (3, 32, 32)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.rand(4, *SHAPE, generator=torch.Generator().manual_seed(0))


def standardised(pictures: torch.Tensor, mean: object, std: object) -> torch.Tensor:
    return torchvision.transforms.functional.normalize(pictures, mean, std)


def test_a_file_of_torchvision_embeds_as_its_network_before_the_classes(
    pictures: torch.Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    oracle = torchvision.models.resnet18(num_classes=7).eval()
    torch.save(oracle.state_dict(), tmp_path / "own.pth")
    found = PretrainedImage(SHAPE, "torchvision/resnet18", str(tmp_path / "own.pth")).eval()
    oracle.fc = torch.nn.Identity()
    expected = oracle(standardised(pictures, MEAN, STD))
    torch.testing.assert_close(found(pictures), expected, atol=1e-5, rtol=1e-4)
    # Grey pictures are three equal channels.
    grey = PretrainedImage((1, 32, 32), "torchvision/resnet18", str(tmp_path / "own.pth")).eval()
    one = pictures[:, :1]
    torch.testing.assert_close(grey(one), found(one.repeat(1, 3, 1, 1)))


def test_a_file_of_timm_embeds_as_its_network_before_the_classes(
    pictures: torch.Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    oracle = timm.create_model("mobilenetv3_small_050", num_classes=5).eval()
    save_file(oracle.state_dict(), tmp_path / "own.safetensors")
    path = str(tmp_path / "own.safetensors")
    found = PretrainedImage(SHAPE, "mobilenetv3_small_050", path, image_size=48).eval()
    larger = torch.nn.functional.interpolate(pictures, (48, 48), mode="bilinear", antialias=True)
    config = oracle.pretrained_cfg
    read = standardised(larger, config["mean"], config["std"])
    expected = oracle.forward_head(oracle.forward_features(read), pre_logits=True)
    torch.testing.assert_close(found(pictures), expected, atol=1e-5, rtol=1e-4)
    assert found.embedding_size == expected.shape[1]
    with pytest.raises(
        LikewiseError, match=r"does not hold the weights of resnet18: .* such as conv1"
    ):
        PretrainedImage(SHAPE, "resnet18", path)


def test_a_frozen_network_learns_nothing(pictures: torch.Tensor) -> None:
    encoder = PretrainedImage(
        SHAPE, "torchvision/resnet18", "random", embedding_size=8, learning_rate_multiplier=0
    )
    before = {name: value.clone() for name, value in encoder.network.state_dict().items()}
    optimiser = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=1.0)
    encoder.train()
    encoder(pictures).sum().backward()
    optimiser.step()
    for name, value in encoder.network.state_dict().items():
        assert torch.equal(value, before[name]), name
    slower = PretrainedImage(
        SHAPE, "torchvision/resnet18", "random", 8, learning_rate_multiplier=0.1
    )
    assert set(slower.learning_rate_multipliers().values()) == {0.1}
    assert set(slower.learning_rate_multipliers()) == set(slower.network.parameters())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_shape": (4, 32, 32)}, "4 channels and encoder=pretrained_image reads 1 or 3"),
        (
            {"learning_rate_multiplier": 2.0},
            "encoder.learning_rate_multiplier=2.0 must be between 0 and 1",
        ),
        ({"image_size": 0}, "encoder.image_size=0 must be at least 1"),
        ({"model": "resnet999"}, "the network resnet999 cannot be loaded"),
        ({"model": "torchvision/resnet999"}, "the network torchvision/resnet999 cannot be loaded"),
        ({"model": "torchvision/squeezenet1_1"}, "does not end in a linear classification layer"),
        ({"model": "vit_tiny_patch16_224"}, "cannot read pictures of 32 x 32 pixels"),
        ({"weights": "/nowhere.pth"}, "encoder.weights=/nowhere.pth is not a file"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, object], said: str) -> None:
    given = {"input_shape": SHAPE, "model": "torchvision/resnet18", "weights": "random"} | options
    with pytest.raises(LikewiseError, match=said):
        PretrainedImage(**given)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "no.pth").write_bytes(b"no weights")
    with pytest.raises(LikewiseError, match=r"no.pth cannot be read as weights"):
        PretrainedImage(SHAPE, "torchvision/resnet18", str(tmp_path / "no.pth"))


def test_a_run_is_opened_again_without_the_file(tmp_path: Path, small: list[str]) -> None:
    torch.manual_seed(3)
    network = timm.create_model("mobilenetv3_small_050", num_classes=0)
    torch.save(network.state_dict(), tmp_path / "own.pth")
    options = [
        "data=synthetic",
        "encoder=pretrained_image",
        "encoder.model=mobilenetv3_small_050",
        f"encoder.weights={tmp_path / 'own.pth'}",
        "encoder.learning_rate_multiplier=0.1",
    ]
    kept = [option for option in small if not option.startswith(("data.", "encoder"))]
    folder = train(compose([*kept, *options]))
    (tmp_path / "own.pth").unlink()
    again = open_run(folder).encoder
    assert isinstance(again, PretrainedImage)
    learned = again.network.conv_stem.weight - network.conv_stem.weight
    assert 0 < learned.abs().max() < 0.1


def test_hidden_layers_lie_between_the_network_and_the_embedding(pictures: torch.Tensor) -> None:
    name = "mobilenetv3_small_050"
    found = PretrainedImage(
        SHAPE, name, "random", embedding_size=8, hidden_sizes=(5, 6), frozen_layers=-1
    ).eval()
    weights = [one for one in found.head.parameters() if one.ndim == 2]
    width = weights[0].shape[1]
    assert [tuple(one.shape) for one in weights] == [(5, width), (6, 5), (8, 6)]
    state = found.network((pictures - found.mean) / found.std)
    for number, layer in enumerate(
        part for part in found.head.modules() if isinstance(part, torch.nn.Linear)
    ):
        state = layer(state.relu() if number else state)
    torch.testing.assert_close(found.features(pictures), state)
    with pytest.raises(LikewiseError, match=r"set encoder\.embedding_size"):
        PretrainedImage(SHAPE, name, "random", hidden_sizes=(5,))
