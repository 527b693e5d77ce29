"""A pretrained transformer, here a tiny one that the test writes as a model's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from likewise.data.modalities.pretrained import PretrainedSubwords
from likewise.data.modalities.subwords import Subwords
from likewise.data.sources.synthetic import Synthetic
from likewise.encoders.pretrained_text import PretrainedText
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the hub has it: config, weights and tokeniser."""
    folder = tmp_path_factory.mktemp("model")
    data = Synthetic().load()
    words = Subwords(max_vocabulary_size=300)
    words.fit(data.catalogue, data.splits["train"])
    words.save(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=12,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def encoder_of(model: Path, seed: int = 0, **options: object) -> PretrainedText:
    torch.manual_seed(seed)
    return PretrainedText(str(model), vocabulary_size=301, **options)


def test_a_text_is_embedded_alone_as_the_model_does(model: Path) -> None:
    encoder = encoder_of(model).eval()
    ids = torch.tensor([[5, 9, 7, 0], [3, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.int32)
    found = encoder(ids)
    states = BertModel.from_pretrained(model).eval()(input_ids=torch.tensor([[4, 8, 6]]))
    torch.testing.assert_close(found[0], states.last_hidden_state[0].mean(0), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found[1], encoder(ids[1:2, :1])[0], atol=1e-6, rtol=1e-5)
    assert found[2].tolist() == [0] * 16
    first = encoder_of(model, pooling="cls").eval()(ids)
    torch.testing.assert_close(first[0], states.last_hidden_state[0, 0], atol=1e-6, rtol=1e-5)
    assert encoder_of(model, pooling="attention", embedding_size=4)(ids).shape == (3, 4)
    # Many texts are read in the order of their lengths and come back in their own.
    many = ids[torch.tensor([1, 0, 2, 0, 1])]
    torch.testing.assert_close(
        encoder.embed({"text": many}, 2), encoder(many), atol=1e-6, rtol=1e-5
    )
    # Longer than the model can read.
    assert encoder(torch.ones(1, 40, dtype=torch.int32)).isfinite().all()


def test_layers_freeze_and_learn_at_their_own_rates(model: Path) -> None:
    def trained(encoder: PretrainedText) -> set[str]:
        return {name for name, p in encoder.named_parameters() if p.requires_grad}

    everything, two = trained(encoder_of(model)), trained(encoder_of(model, frozen_layers=2))
    assert not any("layer.0." in name or "layer.1." in name or "word_emb" in name for name in two)
    assert any("layer.2." in name for name in two)
    assert two < everything
    assert not trained(encoder_of(model, frozen_layers=-1))
    low = trained(encoder_of(model, lora_rank=2))
    assert low
    assert all("lora" in name for name in low)
    encoder = encoder_of(model, layerwise_lr_decay=0.5)
    rates = {
        name: encoder.learning_rate_multipliers()[p]
        for name, p in encoder.transformer.named_parameters()
    }
    assert {rate for name, rate in rates.items() if "layer.2." in name} == {0.5}
    assert {rate for name, rate in rates.items() if "layer.0." in name} == {0.125}
    assert rates["embeddings.word_embeddings.weight"] == 0.0625


def test_from_scratch_has_other_weights(model: Path) -> None:
    one, other = (
        encoder.transformer.get_input_embeddings().weight
        for encoder in (encoder_of(model), encoder_of(model, pretrained=False, seed=1))
    )
    assert not torch.equal(one, other)


def test_mistakes_are_sentences(model: Path, tmp_path: Path) -> None:
    for message, options in {
        "pooling=sum is unknown": {"pooling": "sum"},
        "between -1 and 3": {"frozen_layers": 4},
        "lora_rank=-1": {"lora_rank": -1},
    }.items():
        with pytest.raises(LikewiseError, match=message):
            encoder_of(model, **options)
    with pytest.raises(LikewiseError, match="cannot be read from a folder"):
        encoder_of(tmp_path)
    with pytest.raises(LikewiseError, match="use text=pretrained"):
        PretrainedText(str(model), vocabulary_size=900)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_trains_is_saved_and_comes_back(model: Path, small: list[str], lora_rank: int) -> None:
    options = ["data=synthetic", "text=pretrained", "encoder=pretrained_text", "text.max_length=12"]
    options += [f"pretrained_text={model}", f"encoder.lora_rank={lora_rank}"]
    kept = [option for option in small if not option.startswith("data.")]
    folder = train(compose([*kept, *options]))
    scores = read_result(folder)["metrics"]
    run = open_run(folder)
    products, _ = run.module.split("test")
    embeddings = run.encoder.embed(products)
    assert embeddings.shape[1] == 16
    assert scores["test/map_at_r"] > 0
    reader = PretrainedSubwords(str(model), max_length=12)
    reader.load(folder / "readers" / "text")
    found = reader(run.data.catalogue, np.arange(5))
    assert torch.equal(found, run.module.products["text"][:5, : found.shape[1]])
