"""Opening of finished runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from omegaconf import DictConfig, OmegaConf
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from likewise.atomic import atomic
from likewise.data.catalogue import ProductData
from likewise.data.memory import parse_budget
from likewise.data.module import ProductModule
from likewise.data.title_index import TitleIndex
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose, shipped
from likewise.experiment.data import load_data
from likewise.experiment.features import learns_from, reader_keys
from likewise.experiment.parts import make_index, make_scorer, make_similarity
from likewise.experiment.targets import SCORERS, check_targets, get_target, make
from likewise.matchers.bm25 import titles
from likewise.model import CHUNK, Model
from likewise.runs.folder import read_result, reader_folder
from likewise.runs.versions.version import Version, current_version, versions_folder
from likewise.scorer import Scorer
from likewise.similarity.base import Similarity
from likewise.thresholds.saved import FILE, read_decision

# The parts that may be replaced in a finished run, and the config keys that belong to them.
REPLACEABLE = {
    "similarity": ("similarity",),
    "task": ("task", "metrics", "primary", "threshold", "explanation"),
    "threshold": ("threshold",),
    "index": ("index",),
    "explanation": ("explanation",),
    "metrics": ("metrics",),
    "data": ("data",),
    "cleaning": ("cleaning",),
    "deduplication": ("deduplication",),
}


@dataclass
class SavedRun:
    """A finished run: its config, its model, and its data or other data.

    Attributes:
        config: as it was, with the changes that were asked for.
        model: as it was trained.
        chosen: what its task chose on validation, such as a threshold; empty if the task or the
            similarity was replaced, as it would not fit.
        version: the version of its catalogue that stands for its data; ``None`` for its own data.
    """

    config: DictConfig
    model: Model
    chosen: Mapping[str, float]
    version: Version | None = None

    @property
    def encoder(self) -> Encoder:
        """The encoder of the model."""
        return self.model.encoder

    @property
    def scorer(self) -> Scorer:
        """The scorer of the model."""
        return self.model.scorer

    @property
    def similarity(self) -> Similarity:
        """The similarity of the model."""
        return self.model.measure

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return self.model.device

    @cached_property
    def data(self) -> ProductData:
        """The data, which are read at the first access."""
        return load_data(self.config) if self.version is None else self.version.data

    @cached_property
    def module(self) -> ProductModule:
        """The products as tensors, or streamed where the run's budget of memory says so."""
        config = self.config
        return ProductModule(
            self.data,
            self.model.readers,
            config.batch_size,
            config.seed,
            learns_from=learns_from(config),
            # Runs of earlier versions do not have these.
            memory_budget=parse_budget(config.get("memory_budget")),
            workers=config.get("workers", 0),
        )

    @cached_property
    def rows_by_id(self) -> dict[str, int]:
        """The row of the catalogue of each product id."""
        return {name: row for row, name in enumerate(self.data.catalogue["product_id"][:])}

    @cached_property
    def title_index(self) -> TitleIndex:
        """The index of the titles of the catalogue, which is made at the first access."""
        return TitleIndex(titles(self.data.catalogue, np.arange(len(self.data.catalogue))))

    def rows(self, split: str) -> np.ndarray:
        """Return the catalogue rows of a split, int64; ``all`` is the whole catalogue."""
        if split == "all":
            return np.arange(len(self.data.catalogue))
        check_split(split, [name for name, rows in self.data.splits.items() if len(rows)])
        return self.data.splits[split]

    def product_ids(self, split: str) -> list[str]:
        """Return the ids of the products of a split, in its order."""
        return list(self.data.catalogue.select(self.rows(split))["product_id"])

    def embeddings(self, split: str) -> Tensor:
        """Return the embeddings of a split, float32 [n, d]."""
        return torch.cat([part for _, part in self.stream_embeddings(split)])

    def stream_embeddings(self, split: str) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Yield rows (int64) and their embeddings (float32 [n, d]) in chunks."""
        yield from self.stream_rows(self.rows(split))

    def stream_rows(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Tensor]]:
        """Yield catalogue rows (int64) and their embeddings (float32 [n, d]) in chunks.

        Those of a version are stored and not computed again.
        """
        if self.version is None or not self.version.embeddings.shape[1]:
            yield from self.model.stream(self.data.catalogue, rows)
            return
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            yield some, self.version.embeddings[torch.from_numpy(some)].to(self.device)


def check_split(split: str, known: Collection[str]) -> None:
    """Raise ``LikewiseError`` for a split that the data do not have."""
    if split not in known:
        raise LikewiseError(f"these data have no split {split}; they have {', '.join(known)}")


def open_run(
    folder: str | Path, overrides: Sequence[str] = (), allow: tuple[str, ...] = ()
) -> SavedRun:
    """Rebuild a run from its folder; builds only allowed targets and unpickles nothing.

    Args:
        overrides: ``key=value`` of its config, such as ``data.path=…``, or whole parts:
            ``similarity=euclidean`` for another measure, ``data=table`` for other data.
        allow: additional packages whose classes its config may use.
    """
    place = Path(folder)
    # Runs of earlier versions have stored nothing of it.
    chosen = read_result(place).get("chosen", {})
    saved: Any = OmegaConf.load(place / "config.yaml")
    config = changed(saved.copy(), overrides)
    check_targets(OmegaConf.to_container(config), allow)
    fits = config.task == saved.task and config.similarity == saved.similarity
    return SavedRun(config, _model(config, place), chosen if fits else {})


def open_current(
    folder: str | Path, overrides: Sequence[str] = (), allow: tuple[str, ...] = ()
) -> SavedRun:
    """Open a run on the current version of its catalogue, see ``likewise update``.

    It is opened on its own data if it was never updated, and on other data if an override says so.
    """
    run = open_run(folder, overrides, allow)
    changed = {override.lstrip("+").partition("=")[0].partition(".")[0] for override in overrides}
    if changed & {"data", "cleaning", "deduplication"}:
        return run
    return replace(run, version=current_version(versions_folder(folder)))


def open_model(folder: Path, allow: tuple[str, ...] = ()) -> Model:
    """Open the model of a finished run; its data are not needed."""
    return open_run(folder, (), allow).model


def _model(config: DictConfig, place: Path) -> Model:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    readers = {key: make(config[key]) for key in reader_keys(config)}
    for modality, reader in readers.items():
        reader.load(reader_folder(place, modality))
    parts = OmegaConf.masked_copy(config, ["encoder", *SCORERS, "similarity"])
    bare = _without_weights(OmegaConf.to_container(parts, resolve=True))
    scorer = make_scorer(OmegaConf.create(bare))
    try:
        scorer.load_state_dict(load_file(place / "weights.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        raise LikewiseError(
            f"{place / 'weights.safetensors'} does not fit the encoder of config.yaml, or "
            "its matcher, recommender or policy"
        ) from error
    shape = config.sizes.image.input_shape
    cleaning = {name: make(step) for name, step in (config.get("cleaning") or {}).items()}
    return Model(
        readers,
        scorer.to(device),
        make_similarity(config),
        cleaning,
        None if shape is None else tuple(shape),
        device,
        read_decision(place / FILE) if (place / FILE).is_file() else None,
        make_index(config),
    )


def _without_weights(part: Any) -> Any:
    """Return the config of parts without initial weights, which may no longer be available."""
    if isinstance(part, list):
        return [_without_weights(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: _without_weights(value) for key, value in part.items()}
    target = get_target(part["_target_"]) if "_target_" in part else None
    return made | getattr(target, "uninitialised", {})


def changed(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Apply overrides to a saved config: single values, or whole parts such as ``data=table``.

    Raises:
        LikewiseError: for a part of the trained model, which cannot be changed without training.
    """
    names = [override.lstrip("+").partition("=")[0] for override in overrides]
    groups = {name for name in names if (shipped("configs") / name).is_dir()}
    if fixed := sorted(groups - set(REPLACEABLE)):
        raise LikewiseError(
            f"a finished run cannot take another {fixed[0]}, which its training has used; train "
            f"a run with it, or change one of {', '.join(REPLACEABLE)}"
        )
    of_groups = [
        override
        for override, name in zip(overrides, names, strict=True)
        if name.partition(".")[0] in groups
    ]
    # Runs of earlier versions do not have these groups.
    for group in ("threshold", "index", "explanation"):
        config.setdefault(group, {})
    OmegaConf.set_struct(config, True)
    if of_groups:
        chosen = compose(of_groups)
        for name in {part for group in groups for part in REPLACEABLE[group]}:
            part = chosen[name]
            whole = OmegaConf.is_config(part)
            config[name] = OmegaConf.to_container(part, resolve=True) if whole else part
    rest = [override for override in overrides if override not in of_groups]
    changed: Any = OmegaConf.merge(config, OmegaConf.from_dotlist(rest))
    return changed


def write_embeddings(path: Path, run: SavedRun, split: str) -> None:
    """Write Parquet with ``product_id`` and ``embedding`` (fixed-size list of float32)."""
    size = run.encoder.embedding_size
    schema = pa.schema({"product_id": pa.string(), "embedding": pa.list_(pa.float32(), size)})
    with atomic(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for rows, embeddings in run.stream_embeddings(split):
            ids = run.data.catalogue.select(rows)["product_id"][:]
            flat = pa.array(embeddings.cpu().numpy().reshape(-1))
            column = pa.FixedSizeListArray.from_arrays(flat, size)
            writer.write_table(pa.table([pa.array(ids, pa.string()), column], schema=schema))
