"""A model that nothing was trained for: a pretrained encoder, or one without parameters."""

from __future__ import annotations

import numpy as np
import torch
from omegaconf import DictConfig

from likewise.data.catalogue import ProductData
from likewise.data.modalities.base import Reader
from likewise.experiment.compatibility import check_training
from likewise.experiment.data import load_data
from likewise.experiment.features import fill_in
from likewise.experiment.parts import make_scorer, make_similarity
from likewise.experiment.targets import make
from likewise.model import Model


def untrained_model(config: DictConfig) -> tuple[Model, ProductData]:
    """The model of a composed config and its data, of which no labels or splits are asked.

    Readers that learn, such as tokenisers, learn from all products.
    """
    complete = config.copy()
    data = load_data(complete)

    def fitted(part: DictConfig, data: ProductData) -> Reader:
        reader: Reader = make(part)
        reader.fit(data.catalogue, np.arange(len(data.catalogue)))
        return reader

    readers = fill_in(complete, data, fitted)
    torch.manual_seed(complete.seed)
    scorer = make_scorer(complete)
    check_training(complete, scorer)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Model(readers, scorer.to(device), make_similarity(complete), device=device), data
