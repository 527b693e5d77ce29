"""Reading of an update: products of a table that are new or changed, and ids to delete."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import torch

from likewise.data.cleaning.catalogue import clean_catalogue
from likewise.data.cleaning.steps import Step
from likewise.data.images import has_pixels, image_array, image_dataset, image_shape
from likewise.data.modalities.image import with_channels
from likewise.data.sources.table import TableSource
from likewise.data.table.base import Row, Rows, named
from likewise.data.table.columns import ROLES, resolve
from likewise.data.table.findings import Defect
from likewise.data.table.mend import text_of
from likewise.data.table.rows import open_rows
from likewise.data.table.store import cache_folder, make_stored, open_stored
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

DELETED = "deleted"
# Columns that tables may have and catalogues do not keep.
UNUSED = ("group", "split")
TRUE, FALSE = ("true", "yes", "1"), ("", "false", "no", "0")


@dataclass(frozen=True)
class Incoming:
    """What an update brings.

    Attributes:
        products: clean products that are new or changed, with the columns of the catalogue.
        named: ids of all products that stay, those among them that could not be read.
        deleted: ids of products to delete.
        findings: sentences about problems that were found on reading.
    """

    products: Dataset
    named: Collection[str] = ()
    deleted: Sequence[str] = ()
    findings: Sequence[str] = ()


def read_update(
    source: TableSource, catalogue: Dataset, steps: Mapping[str, Step], folder: Path
) -> Incoming:
    """Read the table of an update.

    A row is a product, whole, with its ``product_id``; a row whose column ``deleted`` is true names
    a product to delete. Of several rows with one id, the last counts.

    Args:
        source: the table, and the names of its columns.
        catalogue: the catalogue that is updated; it says which columns there must be.
        steps: cleaning steps by name.
        folder: an empty folder, which must exist as long as the products are used.

    Raises:
        LikewiseError: the table cannot be read, a row has no id, or its columns differ from those
            of the catalogue.
    """
    source.check()
    rows = open_rows(source.path, source.encoding, cache_folder() / "datasets")
    wanted = {role: column for role, column in source.columns.items() if role not in UNUSED}
    column = wanted.get("product_id") or "product_id"
    if column not in rows.columns:
        raise LikewiseError(
            f"{source.path} has no column {column}, which says what product a row is; name it "
            f"with data.columns.product_id=…; it has {named(rows.columns)}"
        )
    last = _last_rows(rows, column, source.path)
    deleted = [name for name, (_, gone) in last.items() if gone]
    if len(deleted) == len(last):
        return Incoming(catalogue.select([]), (), deleted)
    known = [role for role in ROLES if role not in UNUSED]
    roles = resolve(wanted, rows.columns, source.path, known)
    _check_columns(list(roles), catalogue, source.path)
    kept = {place for place, gone in last.values() if not gone}

    def read() -> Iterator[Row]:
        for place, row in rows.read():
            if place in kept or isinstance(row, Defect):
                yield place, row

    size = _picture_size(catalogue)
    root = Path(source.image_root or Path(source.path).expanduser().parent)
    try:
        make_stored(folder, replace(rows, read=read), roles, root, size)
    except OSError as error:
        raise LikewiseError(
            f"the table of the update could not be written to {folder} ({error}), so the run is "
            "unchanged; free some disk space and try again"
        ) from error
    stored = open_stored(folder)
    products = clean_catalogue(stored.table.remove_columns("place"), steps)[0]
    named_ids = [name for name, (_, gone) in last.items() if not gone]
    return Incoming(conform(products, catalogue), named_ids, deleted, stored.findings)


def conform(products: Dataset, catalogue: Dataset) -> Dataset:
    """Return products with the columns and types of a catalogue, in its order.

    Raises:
        LikewiseError: the products have other columns.
    """
    from datasets import Dataset

    _check_columns(products.column_names, catalogue, "the update")
    features = catalogue.features
    if has_pixels(catalogue) and len(products):
        shape = image_shape(catalogue)
        own = torch.from_numpy(image_array(products))
        ids = products["product_id"][:]
        pictures = image_dataset({"product_id": ids}, with_channels(own, shape[0]).numpy())
        table = arrow_table(products.remove_columns("image"))
        table = table.append_column("image", pictures.data.table["image"])
    else:
        table = arrow_table(products)
    schema = features.arrow_schema
    return Dataset(table.select(schema.names).cast(schema))


def arrow_table(products: Dataset) -> pa.Table:
    """Return a catalogue as an Arrow table, with its types in the metadata."""
    table: Any = products.with_format("arrow")[:]
    return table.replace_schema_metadata(products.features.arrow_schema.metadata)


def _last_rows(rows: Rows, column: str, path: str) -> dict[str, tuple[int | str, bool]]:
    """By id, the place of its last row, and whether that row deletes the product."""
    last: dict[str, tuple[int | str, bool]] = {}
    for place, row in rows.read():
        if isinstance(row, Defect):
            continue
        name = text_of(row.get(column))
        if name is None:
            raise LikewiseError(f"{rows.place} {place} of {path} has no product_id")
        mark = str(row.get(DELETED) or "").strip().lower()
        if mark not in (*TRUE, *FALSE):
            raise LikewiseError(
                f"{rows.place} {place} of {path}: {DELETED}={mark[:40]} must be true or false"
            )
        last[name] = place, mark in TRUE
    return last


def _check_columns(names: Sequence[str], catalogue: Dataset, path: str) -> None:
    wanted = catalogue.column_names
    if missing := [name for name in wanted if name not in names]:
        raise LikewiseError(
            f"{path} has no column for {named(missing)}, which the products of this run have; an "
            f"update needs the columns {named(wanted)}, see data.columns"
        )
    if strange := [name for name in names if name not in wanted]:
        raise LikewiseError(
            f"{path} has the column {named(strange)}, which the products of this run do not have; "
            f"an update needs the columns {named(wanted)}"
        )


def _picture_size(catalogue: Dataset) -> int | None:
    """The side of the pictures of a catalogue; ``None`` for pictures of any size, or none."""
    if not has_pixels(catalogue):
        return None
    _, height, width = image_shape(catalogue)
    if height != width:
        raise LikewiseError(
            f"the pictures of this run are {height} × {width}; only square ones can be updated"
        )
    return height
