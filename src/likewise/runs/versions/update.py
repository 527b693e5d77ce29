"""Updates of the catalogue of a run: what is new, changed or deleted becomes a version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.runs.versions.incoming import Incoming, arrow_table
from likewise.runs.versions.version import Version, current_version
from likewise.runs.versions.writing import write_version, writing

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.model import Model

# Embeds products, float32 [n, d].
Embed = Callable[["Dataset"], np.ndarray]


@dataclass(frozen=True)
class Changes:
    """What an update has changed.

    Attributes:
        version: the version that is now the current one.
        new, changed, deleted, unchanged: numbers of products; the last one counts those of the
            update only.
    """

    version: Version
    new: int
    changed: int
    deleted: int
    unchanged: int

    @property
    def any(self) -> bool:
        """Whether there is a new version."""
        return bool(self.new or self.changed or self.deleted)


def embed_by(model: Model) -> Embed:
    """Return how the products of a run are embedded; without an encoder, the width is 0.

    Raises:
        LikewiseError: the run scores the products it was trained with only.
    """
    scorer = model.scorer
    if not isinstance(scorer, Matcher):
        raise LikewiseError(
            f"this run cannot be updated or served, as its {type(scorer).__name__} {scorer.gives} "
            "by the products that it was trained with; train it again, or use a run with an "
            "encoder or a matcher"
        )
    if not isinstance(scorer, EmbeddingMatcher):
        return lambda products: np.empty((len(products), 0), np.float32)

    def embed(products: Dataset) -> np.ndarray:
        parts = [part.cpu().numpy() for _, part in model.stream(products, np.arange(len(products)))]
        return np.concatenate([np.empty((0, scorer.encoder.embedding_size), np.float32), *parts])

    return embed


def first_version(root: Path, catalogue: Callable[[], Dataset], embed: Embed) -> Version:
    """Return the current version; a run without any gets version 0, its own catalogue.

    Args:
        root: the folder of all versions.
        catalogue: reads the catalogue of the run.
    """
    with writing(root):
        known = current_version(root)
        if known is not None:
            return known
        products = catalogue()
        return write_version(root, None, (arrow_table(products), embed(products)))


def apply_update(
    root: Path,
    incoming: Incoming,
    embed: Embed,
    complete: bool = False,
    base: Version | None = None,
) -> Changes:
    """Write what an update changes as a new version; an update without a change writes nothing.

    Args:
        root: the folder of all versions, of which there is one.
        incoming: products and deletions.
        embed: embeds products; it gets the new and the changed ones.
        complete: whether the update is the whole catalogue, so that other products are deleted.
        base: a version that was read before, whose open files are used again.

    Raises:
        LikewiseError: no product would be left, or the version cannot be written.
    """
    from datasets import Dataset

    with writing(root):
        known = current_version(root, None if base is None else base.opened)
        if known is None:
            raise LikewiseError(f"{root} holds no version to update")
        table = arrow_table(incoming.products)
        ids = table["product_id"].to_pylist()
        gone = set(incoming.deleted)
        if complete:
            gone |= set(_ids(known)) - set(incoming.named)
        places = known.locate([*ids, *(gone - set(ids))])
        same = [
            name in places and _equal(known, places[name], table, row)
            for row, name in enumerate(ids)
        ]
        rows = np.flatnonzero(~np.array(same, bool))
        changed = [ids[row] for row in rows if ids[row] in places]
        deleted = sorted(name for name in gone if name in places)
        counts = len(rows) - len(changed), len(changed), len(deleted), sum(same)
        if not any(counts[:3]):
            return Changes(known, *counts)
        dead = _with_dead(known, (places[name] for name in [*changed, *deleted]))
        if not len(rows) and not any(
            len(known.segment(name).dataset) > len(dead.get(name, ())) for name in known.segments
        ):
            raise LikewiseError("the update would leave no product in the catalogue of the run")
        table = table.take(rows)
        embeddings = embed(Dataset(table)) if len(rows) else np.empty((0, 0), np.float32)
        return Changes(write_version(root, known, (table, embeddings), dead, deleted), *counts)


def _ids(version: Version) -> Iterable[str]:
    for number in version.segments:
        yield from (
            version.segment(number).table["product_id"].take(version.live(number)).to_pylist()
        )


def _equal(version: Version, place: tuple[int, int], table: pa.Table, row: int) -> bool:
    number, known = place
    return version.segment(number).table.slice(known, 1).equals(table.slice(row, 1))


def _with_dead(version: Version, places: Iterable[tuple[int, int]]) -> dict[int, np.ndarray]:
    """The dead rows of a version and those at some places, by segment."""
    found: dict[int, list[int]] = {}
    for number, row in places:
        found.setdefault(number, []).append(row)
    dead = dict(version.dead)
    for number, rows in found.items():
        earlier = dead.get(number, np.empty(0, np.int64))
        dead[number] = np.union1d(earlier, np.array(rows, np.int64))
    return dead
