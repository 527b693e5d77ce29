"""Each configuration of a loss of the next product and of a recommender of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from likewise.losses.next_product import NextProductLoss
from likewise.recommenders.base import Recommender

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize("name", ["next_softmax", "next_sampled_softmax", "next_bce"])
def test_losses(name: str):
    assert isinstance(instantiate(OmegaConf.load(CONFIGS / f"loss/{name}.yaml")), NextProductLoss)


@pytest.mark.parametrize("name", ["content", "attribute_transitions", "two_steps", "hybrid"])
def test_recommenders(name: str):
    pytest.importorskip("likewise.recommenders.counts.cooccurrence")
    config = OmegaConf.load(CONFIGS / f"recommender/{name}.yaml")
    assert isinstance(instantiate(config), Recommender)
