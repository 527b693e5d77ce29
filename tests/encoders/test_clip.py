"""A two-tower model, here a tiny one with random weights that the test writes."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.transforms.v2.functional import normalize
from transformers import CLIPConfig, CLIPModel

import likewise
from likewise.cli import main
from likewise.data.modalities.subwords import Subwords
from likewise.data.sources.synthetic import Synthetic
from likewise.encoders.clip import MEAN, STD, Clip
from likewise.encoders.pretrained_text import PretrainedText
from likewise.errors import LikewiseError

TOWER = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "projection_dim": 12,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    data = Synthetic().load()
    words = Subwords(max_vocabulary_size=300)
    words.fit(data.catalogue, data.splits["train"])
    words.save(folder)
    torch.manual_seed(0)
    text = TOWER | {"vocab_size": 300, "max_position_embeddings": 16, "eos_token_id": 299}
    vision = TOWER | {"image_size": 32, "patch_size": 16}
    CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(model: Path) -> Clip:
    return Clip((3, 32, 32), str(model), 301).eval()


@torch.no_grad()
def test_the_embedding_is_the_mean_of_both_towers(model: Path, encoder: Clip) -> None:
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([[5, 9, 7, 300], [3, 300, 0, 0], [0, 0, 0, 0]], dtype=torch.int32)
    pictures[1] = 0
    oracle = CLIPModel.from_pretrained(model).eval()
    found = encoder({"image": pictures, "text": ids})
    scaled = normalize(pictures[:1], MEAN, STD)
    both = oracle(input_ids=ids[:1].long() - 1, pixel_values=scaled)
    towers = [both.image_embeds[0], both.text_embeds[0]]
    expected = sum(F.normalize(tower, dim=0) for tower in towers) / 2
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-4)
    # Without a picture, it is that of the text, padding or not; and the reverse.
    alone = encoder({"text": ids[1:2, :2]})
    torch.testing.assert_close(found[1], alone[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1].norm(), torch.tensor(1.0))
    torch.testing.assert_close(found[2], encoder({"image": pictures[2:]})[0], atol=1e-5, rtol=1e-4)
    nothing = encoder({"image": torch.zeros(1, 3, 32, 32), "text": torch.zeros(1, 0).int()})
    assert nothing.tolist() == [[0.0] * 12]
    grey = encoder({"image": pictures[2:, :1]})
    torch.testing.assert_close(grey, encoder({"image": pictures[2:, :1].repeat(1, 3, 1, 1)}))


def test_mistakes_are_sentences(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "own")
    stated = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (tmp_path / "own" / "preprocessor_config.json").write_text(json.dumps(stated))
    assert Clip((3, 32, 32), str(tmp_path / "own"), 301).mean.flatten().tolist() == [0.5] * 3
    (tmp_path / "own" / "preprocessor_config.json").write_text("{}")
    with pytest.raises(LikewiseError, match="does not state image_mean"):
        Clip((3, 32, 32), str(tmp_path / "own"), 301)
    with pytest.raises(LikewiseError, match="use text=pretrained with its own tokeniser"):
        Clip((3, 32, 32), str(model), 900)
    with pytest.raises(LikewiseError, match="4 channels"):
        Clip((4, 32, 32), str(model), 301)
    with pytest.raises(LikewiseError, match="CLIPModel, which does not read texts alone"):
        PretrainedText(str(model), 301)


def test_it_is_trained_saved_and_used_on_products_that_lack_something(
    model: Path, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [option for option in small if not option.startswith("data.")]
    options += ["data=synthetic", "encoder=clip", "text=pretrained", "text.max_length=12"]
    assert main(["train", *options, f"pretrained_text={model}", f"output={tmp_path}"]) == 0
    (folder,) = (path.parent for path in tmp_path.rglob("result.json"))
    loaded = likewise.load(folder)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    picture = file.getvalue()
    found = loaded.embed(
        [{"title": "red mug", "image": picture}, {"title": "red mug"}, {"image": picture}]
    )
    torch.testing.assert_close(found[0], (found[1] + found[2]) / 2, atol=1e-5, rtol=1e-4)
    assert loaded.embed(["", "red mug"])[0].abs().max() == 0
