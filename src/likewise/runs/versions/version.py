"""One version of a run's catalogue, as readers see it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

# Files in the folder of all versions, and in the folder of one.
CURRENT = "current"
MANIFEST, DEAD, ROWS, EMBEDDINGS = "version.json", "dead.npz", "rows.arrow", "embeddings.npy"


@dataclass(frozen=True)
class Segment:
    """Products that were written together; its files never change.

    Attributes:
        folder: of the version that has written it.
    """

    folder: Path

    @cached_property
    def dataset(self) -> Dataset:
        """Its products, as a file that is mapped into memory."""
        from datasets import Dataset

        return Dataset.from_file(str(self.folder / ROWS))

    @property
    def table(self) -> pa.Table:
        """The same as an Arrow table."""
        return self.dataset.data.table

    @cached_property
    def embeddings(self) -> np.ndarray:
        """float32 [n, d], mapped into memory; d is 0 where the run has no encoder."""
        return np.load(self.folder / EMBEDDINGS, mmap_mode="r")


@dataclass(frozen=True)
class Version:
    """A version of a catalogue: segments, and which of their products are no longer part of it.

    Attributes:
        root: the folder of all versions.
        number: counts from 0, which is the catalogue that the run was trained with.
        parent: the version that it has changed; ``None`` for version 0.
        segments: numbers of the versions whose segments it consists of, in their order.
        fresh: how many rows at the end of its own segment are new or changed in this version.
        deleted: ids of the products that this version has deleted.
        opened: segments that were opened before, which readers of several versions share.
    """

    root: Path
    number: int
    parent: int | None
    segments: tuple[int, ...]
    fresh: int
    deleted: tuple[str, ...]
    opened: dict[int, Segment] = field(default_factory=dict, compare=False, repr=False)

    @property
    def folder(self) -> Path:
        """The folder of this version."""
        return version_folder(self.root, self.number)

    @property
    def template(self) -> Dataset:
        """Some products with the columns of the catalogue, and their types."""
        return self.segment(self.segments[0]).dataset

    @cached_property
    def dead(self) -> dict[int, np.ndarray]:
        """By segment, the rows (int64) that are no longer part of the catalogue."""
        with np.load(self.folder / DEAD) as saved:
            return {int(name): saved[name] for name in saved.files}

    def segment(self, number: int) -> Segment:
        """Open a segment."""
        if number not in self.opened:
            self.opened[number] = Segment(version_folder(self.root, number))
        return self.opened[number]

    def live(self, number: int) -> np.ndarray:
        """Return the rows (int64) of a segment that are part of the catalogue."""
        mask = np.ones(len(self.segment(number).dataset), bool)
        mask[self.dead.get(number, np.empty(0, np.int64))] = False
        return np.flatnonzero(mask)

    def locate(self, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Find the segment and the row of those products that are part of the catalogue."""
        wanted = pa.array(ids, pa.string())
        found: dict[str, tuple[int, int]] = {}
        for number in self.segments:
            known = self.segment(number).table["product_id"]
            places = pc.index_in(known, value_set=wanted).fill_null(-1).to_numpy()
            rows = np.flatnonzero(places >= 0)
            rows = rows[~np.isin(rows, self.dead.get(number, ()))]
            found |= {ids[places[row]]: (number, int(row)) for row in rows}
        return found

    @cached_property
    def catalogue(self) -> Dataset:
        """The products, in the order in which they were last changed."""
        from datasets import concatenate_datasets

        parts = []
        for number in self.segments:
            part, live = self.segment(number).dataset, self.live(number)
            parts.append(part if len(live) == len(part) else part.select(live))
        return concatenate_datasets(parts)

    @cached_property
    def rows_by_id(self) -> dict[str, int]:
        """The row of the catalogue of each product id."""
        return {name: row for row, name in enumerate(self.catalogue["product_id"][:])}

    @cached_property
    def embeddings(self) -> Tensor:
        """float32 [n, d], in the order of the catalogue."""
        parts = [self.segment(number).embeddings[self.live(number)] for number in self.segments]
        return torch.from_numpy(np.concatenate(parts))

    @cached_property
    def data(self) -> ProductData:
        """The catalogue without ground truth, which is that of the run's own data."""
        return ProductData(self.catalogue, {}, f"version-{self.number}")

    @cached_property
    def changed(self) -> tuple[list[str], np.ndarray]:
        """Ids and embeddings (float32 [m, d]) of the products that are new or changed."""
        if not self.fresh:
            return [], np.empty((0, 0), np.float32)
        own = self.segment(self.number)
        start = len(own.dataset) - self.fresh
        return own.table["product_id"][start:].to_pylist(), np.asarray(own.embeddings[start:])


def version_folder(root: Path, number: int) -> Path:
    """Return the folder of a version."""
    return root / f"{number:06d}"


def versions_folder(run: str | Path) -> Path:
    """Return the folder of the versions of a run."""
    return Path(run) / "versions"


def current_number(root: Path) -> int | None:
    """Return the number of the current version; ``None`` for a run that was never updated.

    Raises:
        LikewiseError: the file that names it is damaged.
    """
    try:
        text = (root / CURRENT).read_text()
    except FileNotFoundError:
        return None
    if not text.strip().isdecimal():
        raise LikewiseError(f"{root / CURRENT} does not hold the number of a version")
    return int(text)


def read_version(root: Path, number: int, opened: dict[int, Segment] | None = None) -> Version:
    """Read a version.

    Args:
        opened: segments that are open already; those that this version opens are added.

    Raises:
        LikewiseError: its folder is missing or damaged.
    """
    path = version_folder(root, number) / MANIFEST
    try:
        saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Version(
            root,
            saved["number"],
            saved["parent"],
            tuple(saved["segments"]),
            saved["fresh"],
            tuple(saved["deleted"]),
            {} if opened is None else opened,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LikewiseError(
            f"{path} cannot be read ({error}); write the number of another version into "
            f"{root / CURRENT}"
        ) from error


def current_version(root: Path, opened: dict[int, Segment] | None = None) -> Version | None:
    """Read the current version; ``None`` for a run that was never updated."""
    number = current_number(root)
    return None if number is None else read_version(root, number, opened)
