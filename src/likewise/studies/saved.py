"""A finished run, opened again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from likewise.data.catalogue import ProductData
from likewise.data.module import ImageDataModule
from likewise.errors import LikewiseError
from likewise.metrics.retrieval import RetrievalMetric
from likewise.similarity.base import Similarity
from likewise.studies import build
from likewise.studies.evaluation import embed
from likewise.studies.run import read_result


@dataclass
class SavedRun:
    """The parts of a finished run that evaluation needs."""

    config: DictConfig
    data: ProductData
    module: ImageDataModule
    encoder: nn.Module
    similarity: Similarity
    metrics: dict[str, RetrievalMetric]
    device: torch.device

    def product_ids(self, split: str) -> list[str]:
        """Ids of a split's products, in its order."""
        return list(self.data.catalogue.select(self.data.splits[split])["product_id"])

    def embeddings(self, split: str) -> Tensor:
        """Float32 [n, d] of a split."""
        return embed(self.encoder, self.module.split(split, self.device)[0])


def open_run(
    folder: str | Path, overrides: Sequence[str] = (), allow: tuple[str, ...] = ()
) -> SavedRun:
    """Rebuild a run from its folder; builds only allowed targets and unpickles nothing.

    Args:
        overrides: ``key=value`` of its config, such as ``data.path=…``, or
            ``similarity=euclidean`` for another measure.
        allow: packages beyond Likewise's own that its config may build from.
    """
    place = Path(folder)
    read_result(place)
    config: Any = OmegaConf.load(place / "config.yaml")
    OmegaConf.set_struct(config, True)
    config = OmegaConf.merge(config, OmegaConf.from_dotlist(_groups(list(overrides), config)))
    build.check_targets(OmegaConf.to_container(config), allow)
    data = build.load_data(config)
    build.fill_in(config, data)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = build.make(config.encoder)
    try:
        encoder.load_state_dict(load_file(place / "weights.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        raise LikewiseError(
            f"{place / 'weights.safetensors'} does not fit the encoder of config.yaml"
        ) from error
    return SavedRun(
        config,
        data,
        ImageDataModule(data, config.batch_size, config.seed),
        encoder.to(device),
        build.make_similarity(config),
        build.make_metrics(config),
        device,
    )


def _groups(overrides: list[str], config: DictConfig) -> list[str]:
    """Replace ``similarity=name`` in the saved config by the shipped choice of that name."""
    from likewise.config import shipped

    kept = []
    for override in overrides:
        key, _, value = override.partition("=")
        choice = shipped("configs") / key / f"{value}.yaml"
        if key in ("similarity", "metrics"):
            if not choice.is_file():
                known = ", ".join(sorted(path.stem for path in choice.parent.glob("*.yaml")))
                raise LikewiseError(f"there is no {key}={value}; there are {known}")
            config[key] = OmegaConf.load(choice)
        else:
            kept.append(override)
    return kept


def write_embeddings(path: Path, product_ids: list[str], embeddings: Tensor) -> None:
    """Parquet with ``product_id`` and ``embedding`` (fixed-size list of float32)."""
    flat = pa.array(embeddings.cpu().numpy().reshape(-1))
    column = pa.FixedSizeListArray.from_arrays(flat, embeddings.shape[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    pq.write_table(pa.table({"product_id": product_ids, "embedding": column}), partial)
    os.replace(partial, path)
