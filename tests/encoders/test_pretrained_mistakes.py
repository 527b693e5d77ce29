"""Weights and products that a pretrained encoder cannot read are said in one sentence."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, ViTConfig, ViTModel

import likewise
from likewise.cli import main
from likewise.encoders.pretrained_image import PretrainedImage
from likewise.encoders.pretrained_text import PretrainedText
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.train import train

WIDTHS = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
NETWORK = "mobilenetv3_small_050"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of texts, one of pictures, and copies with wrong or damaged weights."""
    place = tmp_path_factory.mktemp("models")
    BertModel(BertConfig(vocab_size=30, **WIDTHS)).save_pretrained(place / "texts")
    ViTModel(ViTConfig(image_size=32, patch_size=16, **WIDTHS)).save_pretrained(place / "pictures")
    wider = BertConfig(vocab_size=30, **WIDTHS | {"hidden_size": 24})
    BertModel(wider).save_pretrained(place / "wider")
    for name in ("corrupt", "other", "shapes"):
        shutil.copytree(place / "texts", place / name)
    with (place / "corrupt" / "model.safetensors").open("r+b") as file:
        file.truncate(500)
    weights = "model.safetensors"
    shutil.copy(place / "pictures" / weights, place / "other" / weights)
    shutil.copy(place / "wider" / weights, place / "shapes" / weights)
    return place


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pictures", "is ViTModel, which does not read texts alone"),
        ("corrupt", r"cannot be read from a folder.*header"),
        ("other", r"does not hold the weights of BertModel.*25 tensors are missing"),
        ("shapes", "have other shapes than its config.json states"),
    ],
)
def test_a_model_of_texts_that_cannot_be_read(folders: Path, name: str, said: str) -> None:
    with pytest.raises(LikewiseError, match=said):
        PretrainedText(str(folders / name), 20)


def test_a_folder_without_a_tokeniser(
    folders: Path, small: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [option for option in small if not option.startswith("data.")]
    options = ["data=synthetic", "encoder=pretrained_text", "text=pretrained"]
    assert main(["train", *kept, *options, f"pretrained_text={folders / 'texts'}"]) == 1
    said = capsys.readouterr().err
    assert "there is no tokeniser" in said
    assert "Traceback" not in said


def test_a_damaged_file_of_an_image_network(tmp_path: Path) -> None:
    network = timm.create_model(NETWORK, num_classes=0)
    save_file(network.state_dict(), tmp_path / "cut.safetensors")
    with (tmp_path / "cut.safetensors").open("r+b") as file:
        file.truncate(2000)
    with pytest.raises(LikewiseError, match=r"cut.safetensors cannot be read as weights"):
        PretrainedImage((3, 32, 32), NETWORK, str(tmp_path / "cut.safetensors"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(LikewiseError, match="holds no mapping of names to weights"):
        PretrainedImage((3, 32, 32), NETWORK, str(tmp_path / "list.pth"))


def test_weights_of_a_package_under_the_names_of_another_implementation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oracle = timm.create_model(NETWORK, num_classes=7).eval()
    (tmp_path / "carries").mkdir()
    (tmp_path / "carries" / "__init__.py").touch()
    state = oracle.state_dict()
    renamed = {f"_own_{place}": value for place, value in enumerate(state.values()) if value.ndim}
    torch.save(renamed, tmp_path / "carries" / "own.pth")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    own = PretrainedImage((3, 32, 32), NETWORK, "package:carries/own.pth", frozen_layers=2).eval()
    for name, value in own.network.state_dict().items():
        assert torch.equal(value, state[name]), name
    del renamed["_own_0"]
    torch.save(renamed, tmp_path / "carries" / "own.pth")
    with pytest.raises(LikewiseError, match="does not hold the weights of"):
        PretrainedImage((3, 32, 32), NETWORK, "package:carries/own.pth")
    with pytest.raises(LikewiseError, match=r"the package carries has no other.pth"):
        PretrainedImage((3, 32, 32), NETWORK, "package:carries/other.pth")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pooling": "max"}, "encoder.pooling=max is unknown; it can be network, gem"),
        ({"frozen_layers": 99}, "encoder.frozen_layers=99 must be between -1 and"),
        ({"frozen_cache": "much"}, "encoder.frozen_cache=much must be a size such as 500MB"),
        ({"image_size": "large"}, "encoder.image_size=large must be at least 1 pixel"),
        ({"model": "test_vit", "image_size": "weights", "pooling": "gem"}, "test_vit has none"),
    ],
)
def test_options_of_an_image_network(options: dict[str, object], said: str) -> None:
    given = {"input_shape": (3, 32, 32), "model": NETWORK, "weights": "random"} | options
    with pytest.raises(LikewiseError, match=said):
        PretrainedImage(**given)


def test_a_product_without_a_picture_when_pictures_are_all_that_is_read(small: list[str]) -> None:
    kept = [option for option in small if not option.startswith(("data.", "encoder"))]
    options = ["data=synthetic", "encoder=pixels", "method=none"]
    loaded = likewise.load(train(compose([*kept, *options])))
    with pytest.raises(LikewiseError, match="product 1 has no image, and this model reads nothing"):
        loaded.embed([{"image": b"GIF"}, {"title": "red mug"}])
