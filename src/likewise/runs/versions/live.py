"""The current version of a catalogue in the memory of a running program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.experiment.parts import make_index
from likewise.index.base import Index
from likewise.model import Product
from likewise.runs.saved import open_run
from likewise.runs.versions.incoming import Incoming, conform
from likewise.runs.versions.update import Changes, apply_update, embed_by, first_version
from likewise.runs.versions.version import (
    Segment,
    Version,
    current_number,
    read_version,
    versions_folder,
)
from likewise.similarity.base import Similarity


class Follower:
    """An index that follows the current version of a catalogue.

    Args:
        root: the folder of all versions, of which there is one.
        index: holds the embeddings.
        measure: the similarity of embeddings.
    """

    def __init__(self, root: Path, index: Index, measure: Similarity) -> None:
        self.root, self.index, self.measure = root, index, measure
        self.version: Version | None = None
        self._opened: dict[int, Segment] = {}
        self._ids: list[str] = []
        self._keys: dict[str, int] = {}
        self.refresh()

    def refresh(self) -> Version:
        """Bring the index to the current version, by the changes since the version that it has."""
        number = current_number(self.root)
        if number is None:
            raise LikewiseError(f"{self.root} holds no version")
        if self.version is not None and number == self.version.number:
            return self.version
        steps = self._steps(number)
        if steps is None:
            self.version = read_version(self.root, number, self._opened)
            self._ids = self.version.catalogue["product_id"][:]
            self._keys = {name: key for key, name in enumerate(self._ids)}
            keys = np.arange(len(self._ids))
            self.index.build(self.measure, keys, self.version.embeddings)
            return self.version
        for step in steps:
            self.index.delete(np.array([self._keys[name] for name in step.deleted], np.int64))
            names, embeddings = step.changed
            keys = np.array([self._key(name) for name in names], np.int64)
            self.index.upsert(keys, torch.from_numpy(np.array(embeddings)))
            self.version = step
        return steps[-1]

    def search(self, queries: Tensor, k: int) -> list[list[tuple[str, float]]]:
        """Find the k products nearest to each embedding [q, d] in the current version."""
        self.refresh()
        values, keys = self.index.search(queries, k)
        rows = zip(keys.tolist(), values.tolist(), strict=True)
        return [
            [(self._ids[key], value) for key, value in zip(*row, strict=True) if key >= 0]
            for row in rows
        ]

    def _steps(self, number: int) -> list[Version] | None:
        """The versions after the one that is held, oldest first; ``None`` if it is no ancestor."""
        steps: list[Version] = []
        wanted: int | None = number
        while self.version is not None and wanted is not None and wanted > self.version.number:
            steps.insert(0, read_version(self.root, wanted, self._opened))
            wanted = steps[0].parent
        return steps if self.version is not None and wanted == self.version.number else None

    def _key(self, name: str) -> int:
        if name not in self._keys:
            self._keys[name] = len(self._ids)
            self._ids.append(name)
        return self._keys[name]


class LiveCatalogue:
    """The catalogue of a finished run while products come, change and go.

    Several programs can use one run: each sees the versions that the others write. The index is
    that of the config, ``index=exact`` or ``index=ivf``.

    Args:
        run: the folder of a finished run with an encoder.
        overrides: of its config, such as ``index=ivf``.
        allow: additional packages whose classes its config may use.

    Attributes:
        opened: the run, on its own data.
        model: its model.
    """

    def __init__(
        self, run: str | Path, overrides: Sequence[str] = (), allow: tuple[str, ...] = ()
    ) -> None:
        self.opened = opened = open_run(run, overrides, allow)
        self.model = opened.model
        self._embed = embed_by(self.model)
        self.root = versions_folder(run)
        first_version(self.root, lambda: opened.data.catalogue, self._embed)
        self._follower = Follower(self.root, make_index(opened.config), self.model.measure)

    @property
    def version(self) -> Version:
        """The current version."""
        return self._follower.refresh()

    def update(self, products: Sequence[Product], deleted: Sequence[str] = ()) -> Changes:
        """Add products, replace those with a known ``product_id``, and delete some, at once.

        Args:
            products: mappings with the columns of the catalogue, ``product_id`` among them; each
                is given whole.
            deleted: ids of products to delete; unknown ids are ignored.

        Raises:
            LikewiseError: the products have other columns, or the version cannot be written.
        """
        known = self.version
        ids = {"" if isinstance(one, str) else str(one.get("product_id", "")) for one in products}
        if "" in ids:
            raise LikewiseError("every product of an update needs a product_id")
        if both := ids & set(deleted):
            raise LikewiseError(f"product {min(both)} cannot be updated and deleted at once")
        own = known.template.select([])
        if len(products):
            own = conform(self.model.as_catalogue(products), known.template)
        return apply_update(self.root, Incoming(own, ids, deleted), self._embed, base=known)

    def search(self, query: Product, k: int = 10) -> list[tuple[str, float]]:
        """Find the k products of the current version nearest to a query: ids and similarities."""
        return self.nearest(self.model.embed([query]), k)[0]

    def nearest(self, embeddings: Tensor, k: int = 10) -> list[list[tuple[str, float]]]:
        """Find the k products of the current version nearest to each embedding, float32 [q, d].

        Returns:
            For each embedding, ids and similarities, best first.
        """
        return self._follower.search(embeddings, k)
