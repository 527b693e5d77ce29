"""Pictures that a list of a published data set names, with their groups and splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.catalogue import ProductData, with_info
from likewise.data.memory import check_image_size
from likewise.data.relevance import Groups
from likewise.data.sources.files import fingerprint
from likewise.data.splits import whole_groups
from likewise.data.table.base import Row, Rows
from likewise.data.table.store import codes, store
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo


def load_listed(
    rows: Sequence[Mapping[str, str]],
    lists: Sequence[Path],
    root: Path,
    info: DatasetInfo,
    *,
    image_size: int,
    validation_share: float,
    split_seed: int,
    gallery: str | None = None,
) -> ProductData:
    """Read listed pictures, with a validation split of whole groups of the training split.

    The pictures are scaled once into a file of the user's cache, which is mapped into memory.

    Args:
        rows: one for each product, with ``product_id``, ``image`` (a path below ``root``),
            ``group`` and ``split``, and maybe texts such as ``title``.
        lists: the files that the rows come from.
        root: the folder of the pictures.
        info: licence, citation and homepage.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        validation_share: of the training products, drawn by group.
        split_seed: seed of that draw. It is not the seed of a run.
        gallery: the name of the split that queries are searched in; ``None`` without one.

    Raises:
        LikewiseError: for a wrong option, and if most of the listed pictures are missing.
    """
    check_image_size(image_size)
    if not 0 < validation_share < 1:
        raise LikewiseError(f"data.validation_share={validation_share} must be between 0 and 1")
    columns = [name for name in rows[0] if name != "split"] if rows else []

    def read() -> Iterator[Row]:
        yield from ((place, dict(row)) for place, row in enumerate(rows, start=1))

    listed = Rows(columns, "row", fingerprint(lists), read)
    stored = store(listed, {name: name for name in columns}, root, image_size)
    if len(stored.table) < len(rows) / 2 or not rows:
        raise LikewiseError(
            f"{root} has {len(stored.table):,} usable pictures of the {len(rows):,} that "
            f"{lists[0].name} names; unpack the data set again ({'; '.join(stored.findings)})"
        )
    table = stored.table.data.table
    groups, names = codes(table["group"])
    parts = np.array([rows[int(place) - 1]["split"] for place in table["place"].to_pylist()])
    splits = {name: np.flatnonzero(parts == name) for name in np.unique(parts)}
    train = splits["train"]
    shares = {"train": 1 - validation_share, "validation": validation_share}
    drawn = whole_groups(groups[train], shares, split_seed)
    splits |= {name: train[places] for name, places in drawn.items()}
    relevance = Groups.of(
        groups, names, splits, gallery=splits[gallery] if gallery else np.zeros(0, np.int64)
    )
    catalogue = with_info(stored.table.remove_columns(["group", "place"]), info)
    digest = f"{stored.digest}|{validation_share}|{split_seed}"
    return ProductData(catalogue, splits, digest, (relevance,), list(stored.findings))
