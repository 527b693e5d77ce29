"""Frozen layers are computed once, with the results of computing them at every step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import transformers
from torch import nn

from likewise.encoders import frozen
from likewise.encoders.base import Encoder
from likewise.encoders.frozen import FrozenLayers, StateStore, caching_frozen_layers
from likewise.encoders.image_network import layers_of
from likewise.encoders.pretrained_image import PretrainedImage
from likewise.encoders.pretrained_text import PretrainedText
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.folder import read_result
from likewise.runs.train import train

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
}
# Families differ in their masks, positions, normalisation and in what their layers give.
FAMILIES = {
    "bert": transformers.BertConfig(**SMALL),
    "roberta": transformers.RobertaConfig(**SMALL),
    "mpnet": transformers.MPNetConfig(**SMALL),
    "electra": transformers.ElectraConfig(**SMALL, embedding_size=8),
    "deberta": transformers.DebertaV2Config(**SMALL, relative_attention=True),
    "modernbert": transformers.ModernBertConfig(**SMALL, pad_token_id=0, cls_token_id=1),
    "distilbert": transformers.DistilBertConfig(
        vocab_size=50, dim=16, n_layers=3, n_heads=2, hidden_dim=24, max_position_embeddings=24
    ),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name, config in FAMILIES.items():
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(folder / name)
    return folder


@pytest.fixture
def texts() -> torch.Tensor:
    """Token ids of 12 texts of different lengths; one text is empty, two are equal."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, 50, (12, 9), generator=generator, dtype=torch.int32)
    for row in range(12):
        ids[row, row % 9 :] = 0
    ids[7] = ids[5]
    return ids


RATE = 0.02
# Networks of stages, of blocks with tokens and positions, and of several kinds of pooling.
NETWORKS = {
    "mobilenetv3_small_050": {"image_size": 48},
    "torchvision/resnet18": {},
    "test_vit": {"image_size": "weights"},
}


@pytest.fixture
def pictures() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(12, 3, 32, 32, generator=generator)


def network(name: str, **options: object) -> PretrainedImage:
    torch.manual_seed(3)
    options = {"embedding_size": 5, "dropout": 0.0} | NETWORKS[name] | options
    return PretrainedImage((3, 32, 32), name, "random", **options)


def made(folder: Path, **options: object) -> PretrainedText:
    torch.manual_seed(3)
    return PretrainedText(str(folder), 51, **options)


def learned(
    encoder: Encoder, products: torch.Tensor, caching: bool, steps: int = 6
) -> list[torch.Tensor]:
    """Embeddings after some steps of training in which each product is read several times."""
    encoder.caching = caching
    torch.manual_seed(5)
    goal = torch.randn(len(products), encoder.embedding_size)
    optimiser = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=RATE)
    encoder.train()
    for step in range(steps):
        rows = torch.arange(step % 2, 12, 2)
        (nn.functional.normalize(encoder(products[rows])) - goal[rows]).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    encoder.caching = False
    # Random networks of pictures without statistics for their normalisation give large numbers.
    return list(nn.functional.normalize(encoder.embed({encoder.modality: products})))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", [1, 2])
def test_training_over_kept_states_equals_training_without(
    models: Path, texts: torch.Tensor, family: str, number: int
) -> None:
    options = {"frozen_layers": number, "embedding_size": 5}
    kept = learned(made(models / family, **options), texts, caching=True)
    anew = learned(made(models / family, **options, frozen_cache=None), texts, caching=False)
    before = nn.functional.normalize(made(models / family, **options).embed({"text": texts}))
    torch.testing.assert_close(kept, anew, atol=2e-6, rtol=1e-5)
    assert (torch.stack(anew) - before).abs().max() > 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_pictures_train_as_without_a_cache(name: str, pictures: torch.Tensor) -> None:
    half = len(layers_of(network(name).network)) // 2
    encoder = network(name, frozen_layers=half).eval()
    before = nn.functional.normalize(encoder(pictures))
    encoder.caching = True
    torch.testing.assert_close(nn.functional.normalize(encoder(pictures)), before)
    # One step: batch normalisation of random networks makes differences of rounding grow.
    kept = learned(encoder, pictures, True, steps=1)
    anew = learned(network(name, frozen_layers=half, frozen_cache=None), pictures, False, steps=1)
    torch.testing.assert_close(kept, anew, atol=1e-4, rtol=1e-3)
    assert (torch.stack(anew) - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    "options",
    [
        {"frozen_layers": -1},
        {"frozen_layers": -1, "pooling": "gem"},
        {"learning_rate_multiplier": 0},
        {"frozen_layers": 4, "pooling": "gem", "layerwise_lr_decay": 0.5},
    ],
)
def test_frozen_networks_of_pictures_with_each_pooling(
    options: dict[str, object], pictures: torch.Tensor
) -> None:
    made = [network("mobilenetv3_small_050", **options, frozen_cache=c) for c in ("1GB", None)]
    kept, anew = learned(made[0], pictures, True), learned(made[1], pictures, False)
    torch.testing.assert_close(kept, anew, atol=1e-5, rtol=1e-4)


def test_each_product_goes_through_the_frozen_layers_once(
    models: Path, texts: torch.Tensor
) -> None:
    encoder = made(models / "bert", frozen_layers=2)
    read = []
    layers = encoder.transformer.encoder.layer
    inside = layers[1].attention
    inside.register_forward_hook(lambda layer, inputs, output: read.append(len(inputs[0])))
    encoder.caching = True
    encoder.train()
    encoder(texts[:8])
    # One more for the check that the model can go on from there; texts 5 and 7 are equal.
    assert read == [1, 1, 6]
    encoder(texts)
    encoder.eval()
    encoder(texts)
    assert sum(read) == 1 + len({tuple(text) for text in texts.tolist()})
    # Other weights have other states, and the next encoder with the first weights finds them.
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.load_state_dict({name: 2 * value for name, value in before.items()})
    found = encoder(texts)
    encoder.caching = False
    torch.testing.assert_close(found, encoder(texts), atol=1e-5, rtol=1e-4)
    again = made(models / "bert", frozen_layers=2)
    again.transformer.encoder.layer[1].attention.register_forward_hook(
        lambda *_: pytest.fail("the states of the first encoder are not used")
    )
    again.frozen.checked = again.caching = True
    again(texts)


def test_states_over_the_budget_are_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "BLOCK", 8)
    store = StateStore(budget=40)
    values = [torch.full((3, 2), float(number)) for number in range(6)]
    for number, value in enumerate(values):
        store.add(bytes([number]), value)
    assert (store.in_memory, store.in_files) == (32, 160)
    for number, value in enumerate(values):
        assert torch.equal(store.get(bytes([number])), value)
    assert not list(Path(tempfile.gettempdir()).glob("likewise-frozen-*"))
    # Where the disk has no room either, nothing is stored and nothing is lost.
    full = SimpleNamespace(free=0)
    monkeypatch.setattr(frozen.shutil, "disk_usage", lambda place: full)
    store.add(b"new", torch.zeros(30))
    assert store.get(b"new") is None
    assert torch.equal(store.get(b"\x05"), values[5])


def test_a_network_whose_upper_part_reads_more_is_refused() -> None:
    class Skips(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(values)) + values

    torch.manual_seed(0)
    model, values = Skips(), torch.rand(1, 4)
    layers = FrozenLayers(model, [model.one], "skips", 2**20)
    states = layers.lower(lambda: model(values))
    torch.testing.assert_close(states, model.one(values))
    with layers.skipped(states):
        resumed = model(torch.zeros(1, 4))
    with pytest.raises(LikewiseError, match=r"set encoder.frozen_cache=null"):
        layers.check(model(values), resumed)
    torch.testing.assert_close(model(values), model.two(states) + values)


def test_caching_ends_with_training(models: Path) -> None:
    encoder = made(models / "bert", frozen_layers=1)
    with caching_frozen_layers(nn.ModuleList([encoder])):
        assert encoder.caching
    assert not encoder.caching


def test_a_run_with_frozen_layers_and_augmentation(small: list[str]) -> None:
    options = [option for option in small if not option.startswith(("data.", "encoder"))]
    options += ["data=synthetic", "encoder=pretrained_image", "encoder.weights=random"]
    options += ["encoder.model=mobilenetv3_small_050", "encoder.frozen_layers=5"]
    with pytest.raises(LikewiseError, match=r"set augmentation.image=null, or encoder.frozen_cach"):
        train(compose(options))
    scores = [
        read_result(train(compose([*options, *more])))["metrics"]
        for more in (
            ["augmentation.image=null"],
            ["augmentation.image=null", "encoder.frozen_cache=null"],
        )
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
