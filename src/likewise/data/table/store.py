"""A table as a memory-mapped Arrow file: mended once, used until something changes."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import catalogue_features
from likewise.data.images import image_dataset
from likewise.data.table.base import BATCH, Rows, stamp
from likewise.data.table.findings import WITHOUT_PICTURE, Defect, Findings
from likewise.data.table.mend import content, is_empty, mend
from likewise.data.table.pictures import TablePicture, picture_path, read_picture

if TYPE_CHECKING:
    from datasets import Dataset, Features

# To be raised when a stored table would read differently, so that old ones are made anew.
VERSION = 2
# Bytes of the pictures that are held at once.
HELD = 2**26


@dataclass(frozen=True)
class Stored:
    """A mended table.

    Attributes:
        table: the catalogue's columns, and ``group`` and ``split`` where the table has them.
        findings: what was wrong with its rows.
        digest: hash of its content, pictures included, wherever they lie.
        repeated: how many rows were left out because an earlier one has their product_id.
    """

    table: Dataset
    findings: list[str]
    digest: str
    repeated: int


def cache_folder() -> Path:
    """``$LIKEWISE_CACHE``, or ``likewise`` in the user's cache; can be deleted at any time."""
    if own := os.environ.get("LIKEWISE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "likewise"


def store(rows: Rows, roles: Mapping[str, str | list[str]], root: Path, size: int | None) -> Stored:
    """Convert the rows of a table in batches, or reuse the result of an earlier call.

    Args:
        rows: the table.
        roles: its columns by role.
        root: folder of relative picture paths.
        size: side of the pictures, ``None`` to leave them encoded.
    """
    key = json.dumps([VERSION, rows.identity, roles, str(root.resolve()), size], sort_keys=True)
    folder = cache_folder() / "tables" / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not _is_fresh(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            make_stored(Path(made), rows, roles, root, size)
            shutil.rmtree(folder, ignore_errors=True)
            try:
                os.rename(made, folder)
            except OSError:
                # Another process was faster; what it made is the same.
                if not _is_fresh(folder):
                    raise
    return open_stored(folder)


def open_stored(folder: Path) -> Stored:
    """Open what ``make_stored`` has written."""
    from datasets import Dataset

    notes = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
    return Stored(Dataset.from_file(str(folder / "rows.arrow")), **notes)


def _is_fresh(folder: Path) -> bool:
    """Whether there is a whole table whose picture files are still what they were."""
    if not (folder / "notes.json").is_file():
        return False
    with (folder / "pictures.txt").open(encoding="utf-8", errors="surrogateescape") as file:
        return all(stamp(line.split("\t")[0]) == line.rstrip("\n") for line in file)


def make_stored(
    folder: Path,
    rows: Rows,
    roles: Mapping[str, str | list[str]],
    root: Path,
    size: int | None,
) -> None:
    """Convert the rows of a table in batches to files in an empty folder; see ``store``."""
    findings = Findings("product", rows.place)
    features = _features(roles, size)
    digest = hashlib.sha256(repr((sorted(roles), size)).encode())
    raw = folder / "raw.arrow"
    with (
        (folder / "pictures.txt").open("w", encoding="utf-8", errors="surrogateescape") as stamps,
        ThreadPoolExecutor(os.cpu_count()) as pool,
        pa.OSFile(str(raw), "wb") as sink,
        pa.ipc.new_stream(sink, features.arrow_schema) as writer,
    ):
        for batch in _batches(rows.read(), size if "image" in roles else None):
            mended = [
                (place, *mend(row, roles, place))
                for place, row in batch
                if not _noted(row, place, findings)
            ]
            found: Iterable[TablePicture | Defect | None] = itertools.repeat(None)
            if "image" in roles:
                values = [product["image"] for _, product, _ in mended]
                paths = [path for value in values if (path := picture_path(value, root))]
                stamps.writelines(f"{stamp(path)}\n" for path in paths)
                found = pool.map(partial(read_picture, root=root, size=size), values)
            kept = []
            for (place, product, defects), picture in zip(mended, found, strict=False):
                if _keep(product, defects, picture, place, size is not None, findings):
                    kept.append((place, product, picture))
                    digest.update(repr(content(product)).encode("utf-8", errors="replace"))
                    digest.update(picture.digest if isinstance(picture, TablePicture) else b"-")
            if kept:
                writer.write_table(_table(kept, features))
    repeated = _write_once_each(raw, folder / "rows.arrow", findings)
    raw.unlink()
    notes = {
        "findings": findings.sentences(),
        "digest": digest.hexdigest(),
        "repeated": repeated,
    }
    (folder / "notes.json").write_text(json.dumps(notes), encoding="utf-8")


def _batches(rows: Iterator[Any], size: int | None) -> Iterator[list[Any]]:
    count = BATCH if size is None else max(1, min(BATCH, HELD // (3 * size**2)))
    while batch := list(itertools.islice(rows, count)):
        yield batch


def _noted(row: Any, place: int | str, findings: Findings) -> bool:
    if isinstance(row, Defect):
        findings.add(row, place)
        return True
    return False


def _keep(
    product: dict[str, Any],
    defects: list[Defect],
    picture: TablePicture | Defect | None,
    place: int | str,
    needs_picture: bool,
    findings: Findings,
) -> bool:
    """Whether a product stays; its defects are counted, of one that does not only the reason."""
    if isinstance(picture, Defect):
        product["image"] = None
        if needs_picture or is_empty(product):
            findings.add(picture, place)
            return False
        # Where pictures are optional, one that was never named is no defect.
        if picture is not Defect.NO_PICTURE:
            findings.add(picture, place, WITHOUT_PICTURE)
    elif is_empty(product):
        findings.add(Defect.EMPTY, place)
        return False
    for defect in defects:
        findings.add(defect, place)
    return True


def _features(roles: Mapping[str, str | list[str]], size: int | None) -> Features:
    from datasets import Array3D, Features, Value

    known = catalogue_features()
    chosen = {name: kind for name, kind in known.items() if name in roles or name == "product_id"}
    if "image" in roles and size is not None:
        chosen["image"] = Array3D((3, size, size), "uint8")
    text = Value("string")
    own = {name: text for name in ("group", "split") if name in roles}
    return Features(chosen | own | {"place": text})


def _table(kept: list[tuple[int | str, dict[str, Any], Any]], features: Features) -> pa.Table:
    schema = features.arrow_schema
    columns = []
    for field in schema:
        if field.name == "place":
            columns.append(pa.array([str(place) for place, _, _ in kept], field.type))
        elif field.name == "image":
            columns.append(_pictures([picture for _, _, picture in kept], field.type))
        else:
            values = [product[field.name] for _, product, _ in kept]
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _pictures(pictures: list[Any], kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(kind, pa.ExtensionType):
        squares = np.stack([picture.square for picture in pictures])
        places = list(range(len(squares)))
        return image_dataset({"place": places}, squares).data.table["image"]
    encoded = [
        picture.encoded if isinstance(picture, TablePicture) else None for picture in pictures
    ]
    return pa.array(encoded, kind)


def _write_once_each(source: Path, target: Path, findings: Findings) -> int:
    """Copy a stream of rows, of those with one product_id only the first; how many others are."""
    with pa.memory_map(str(source)) as file:
        table = pa.ipc.open_stream(file).read_all()
        keep = np.zeros(len(table), bool)
        if len(table):
            keep[first_rows(table["product_id"])] = True
            for place in table["place"].filter(pa.array(~keep)).to_pylist():
                findings.add(Defect.DUPLICATE, place)
        schema = table.schema
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            start = 0
            for batch in table.to_batches():
                mask = keep[start : start + len(batch)]
                start += len(batch)
                writer.write_batch(batch if mask.all() else batch.take(np.flatnonzero(mask)))
        return int((~keep).sum())


def first_rows(values: pa.ChunkedArray) -> np.ndarray:
    """The first row of each distinct value, int64, ascending."""
    return np.sort(np.unique(_encoded(values).indices.to_numpy(), return_index=True)[1])


def codes(values: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Texts as int64 [n], places among the distinct ones in order (-1 for null), and these."""
    encoded = _encoded(values)
    names = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names, kind="stable")
    # One more place, for null.
    rank = np.full(len(names) + 1, -1, np.int64)
    rank[order] = np.arange(len(names))
    return rank[encoded.indices.fill_null(len(names)).to_numpy()], names[order].tolist()


def _encoded(values: pa.ChunkedArray) -> pa.DictionaryArray:
    # Of one piece: encoded piece by piece, each would hold the whole dictionary.
    return values.cast(pa.large_string()).combine_chunks().dictionary_encode()
