"""Frozen layers are computed once, with the results of computing them at every step."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from likewise.encoders import frozen
from likewise.encoders.frozen import FrozenLayers, StateStore, caching_frozen_layers
from likewise.encoders.pretrained_text import PretrainedText
from likewise.errors import LikewiseError

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


def made(folder: Path, **options: object) -> PretrainedText:
    torch.manual_seed(3)
    return PretrainedText(str(folder), 51, **options)


def learned(encoder: PretrainedText, texts: torch.Tensor, caching: bool) -> list[torch.Tensor]:
    """Embeddings after some steps of training in which each text is read several times."""
    encoder.caching = caching
    torch.manual_seed(5)
    goal = torch.randn(len(texts), encoder.embedding_size)
    optimiser = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    encoder.train()
    for step in range(6):
        rows = torch.arange(step % 2, 12, 2)
        (encoder(texts[rows]) - goal[rows]).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    encoder.caching = False
    return list(encoder.embed({"text": texts}))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", [1, 2])
def test_training_over_kept_states_equals_training_without(
    models: Path, texts: torch.Tensor, family: str, number: int
) -> None:
    options = {"frozen_layers": number, "embedding_size": 5}
    kept = learned(made(models / family, **options), texts, caching=True)
    anew = learned(made(models / family, **options, frozen_cache=None), texts, caching=False)
    before = made(models / family, **options).embed({"text": texts})
    torch.testing.assert_close(kept, anew, atol=2e-6, rtol=1e-5)
    assert (torch.stack(anew) - before).abs().max() > 1e-3
