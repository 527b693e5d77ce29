"""The description of an export, with all that is needed to make its inputs."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from omegaconf import OmegaConf

import likewise
from likewise.matchers.similarity import SimilarityMatcher

if TYPE_CHECKING:
    from torch import Tensor

    from likewise.data.modalities.base import Reader
    from likewise.runs.saved import SavedRun

# The folder with what the readers have learned, one folder per modality.
READERS = "readers"
# What two products are read for, to see the shape of their tensors.
SHOWN = 2


def describe(run: SavedRun, rows: np.ndarray, folder: Path) -> dict[str, Any]:
    """Write what the readers have learned into a folder, and describe the encoder and its inputs.

    Args:
        rows: int64 [n], products of the run's catalogue.

    Returns:
        A mapping that can be written as JSON: the encoder with its options, the similarity, the
        cleaning, and for each input its type, its shape, how it is read, and the files for it.
    """
    inputs = {}
    for modality, reader in run.model.readers.items():
        place = folder / READERS / modality
        place.mkdir(parents=True)
        reader.save(place)
        values = reader(run.data.catalogue, rows[:SHOWN])
        inputs[modality] = {
            "dtype": str(values.dtype).removeprefix("torch."),
            "shape": _shape(modality, values),
            "reading": _first_paragraph(reader),
            "reader": _part(run.config[modality]),
            "columns": list(reader.columns),
            "files": sorted(str(path.relative_to(folder)) for path in place.rglob("*.*")),
        }
    encoder = run.encoder
    cleaning = run.config.get("cleaning") or {}
    return {
        "likewise": likewise.__version__,
        "encoder": _part(run.config.encoder),
        "embedding_size": encoder.embedding_size,
        "similarity": run.similarity.name,
        "scores": _scores(run),
        "inputs": inputs,
        "cleaning": {name: _part(step) for name, step in cleaning.items()},
    }


def _scores(run: SavedRun) -> str:
    if isinstance(run.scorer, SimilarityMatcher):
        return "the similarity of two embeddings"
    return f"by {type(run.scorer).__name__} over two embeddings, which is not exported"


def _shape(modality: str, values: Tensor) -> list[int | str]:
    """The shape of an input, with names of the dimensions that are free."""
    shape: list[int | str] = ["batch", *values.shape[1:]]
    if values.dtype == torch.int32:
        shape[-1] = f"{modality}_length"
    return shape


def _first_paragraph(reader: Reader) -> str:
    return " ".join((inspect.getdoc(type(reader)) or "").partition("\n\n")[0].split())


def _part(config: Any) -> Any:
    return OmegaConf.to_container(config, resolve=True)
