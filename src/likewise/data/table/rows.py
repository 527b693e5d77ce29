"""The rows of a CSV, TSV, JSON or Parquet file, of a picture folder or of a hub's data set."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from likewise.data.catalogue import SPLITS
from likewise.data.regular_file import is_other
from likewise.data.table.base import BATCH, SPLIT_NAMES, Row, Rows, stamp
from likewise.data.table.csv_rows import open_csv
from likewise.data.table.json_rows import open_json
from likewise.errors import LikewiseError

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


def open_rows(path: str, encoding: str, cache: Path, key: str = "data.path") -> Rows:
    """Look at a table.

    Args:
        path: a file; a folder of pictures, ``<group>/<picture>`` or ``<split>/<group>/<picture>``;
            another folder or a name such as ``owner/name``, for ``datasets.load_dataset``.
        encoding: of CSV, TSV and JSON files.
        cache: folder that ``datasets`` may keep files in.
        key: the option that names the table, for error messages.

    Raises:
        LikewiseError: if there is no such table or it cannot be read; also while its rows are read.
    """
    with readable(path, encoding):
        rows = _open(path, encoding, cache, key)

    def read() -> Iterator[Row]:
        with readable(path, encoding):
            yield from rows.read()

    return replace(rows, read=read)


@contextmanager
def readable(path: str, encoding: str) -> Iterator[None]:
    """Whatever reading a table raises becomes one sentence."""
    try:
        yield
    except UnicodeError as error:
        raise LikewiseError(
            f"{path} cannot be read in data.encoding={encoding} ({error}); set it to the encoding "
            "that the file is written in"
        ) from error
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise LikewiseError(f"{path} cannot be read ({reason}); write or fetch it again") from error


def _open(path: str, encoding: str, cache: Path, key: str) -> Rows:
    place = Path(path).expanduser()
    if not path.strip():
        raise LikewiseError(f"{key} is empty; it must name a file or a folder")
    if is_other(place):
        raise LikewiseError(f"{key}={path} is a pipe or a device; it must be a file or a folder")
    if place.is_file():
        return _open_file(place, encoding)
    if place.is_dir():
        if files := _picture_files(place):
            return _open_pictures(place, files)
        if other := next(filter(is_other, sorted(place.rglob("*"))), None):
            raise LikewiseError(f"{other} is a pipe or a device; take it out of the folder")
    elif not re.fullmatch(r"[\w.-]+/[\w.-]+", path) or place.suffix in FILES:
        raise LikewiseError(f"{key}={path} is neither a file nor a folder")
    return _open_dataset(path, cache, key)


def _open_file(path: Path, encoding: str) -> Rows:
    opener = FILES.get(path.suffix.lower())
    if opener is None:
        raise LikewiseError(f"{path} has none of the suffixes {', '.join(FILES)}")
    if path.stat().st_size == 0:
        raise LikewiseError(f"{path} is empty")
    try:
        # Excel and others begin with a byte order mark, which is not part of a column's name.
        return opener(path, "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except LookupError as error:
        raise LikewiseError(f"data.encoding={encoding} is unknown; try utf-8 or gb18030") from error


def _open_parquet(path: Path, encoding: str) -> Rows:
    def read() -> Iterator[Row]:
        batches = pq.ParquetFile(path).iter_batches(batch_size=BATCH)
        yield from enumerate(itertools.chain.from_iterable(map(_dicts, batches)), start=1)

    return Rows(pq.read_schema(path).names, "row", stamp(path.resolve()), read)


def _dicts(batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            columns[name] = column.to_pylist()
        except UnicodeDecodeError:
            binary = column.cast(pa.large_binary()).to_pylist()
            columns[name] = [
                value and value.decode("utf-8", errors="surrogateescape") for value in binary
            ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _picture_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for depth in ("*/*", "*/*/*")
        for path in folder.glob(depth)
        if path.suffix.lower() in PICTURES and path.is_file()
    )


def _open_pictures(folder: Path, files: list[Path]) -> Rows:
    """The folder a picture lies in names its group, and the one above that its split."""
    names = [path.relative_to(folder).parts for path in files]
    has_splits = all(len(parts) == 3 and parts[0].lower() in SPLIT_NAMES for parts in names)
    if not has_splits and any(len(parts) == 3 for parts in names):
        raise LikewiseError(
            f"{folder} has folders in folders, but the outer ones are not {', '.join(SPLITS)}"
        )
    columns = ["product_id", "image", "group", *(["split"] if has_splits else [])]

    def read() -> Iterator[Row]:
        for path, parts in zip(files, names, strict=True):
            name = "/".join(parts)
            row = {"product_id": name, "image": str(path.resolve()), "group": parts[-2]}
            yield name, row | ({"split": parts[0]} if has_splits else {})

    return Rows(columns, "file", "\n".join(map(stamp, files)), read)


def _open_dataset(name: str, cache: Path, key: str) -> Rows:
    import datasets

    try:
        loaded = datasets.load_dataset(name, cache_dir=str(cache))
    except Exception as error:  # whatever a loader or the network raises, it is one sentence
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LikewiseError(
            f"{key}={name} is not a table here and could not be loaded as a data set ({reason})"
        ) from error
    parts = {str(split): part for split, part in loaded.items()}
    first = next(iter(parts.values()))
    labels = {
        column: kind.names
        for column, kind in first.features.items()
        if isinstance(kind, datasets.ClassLabel)
    }
    add_split = len(parts) > 1 and "split" not in first.column_names

    def read() -> Iterator[Row]:
        number = 0
        for split, part in parts.items():
            for batch in part.with_format("arrow").iter(BATCH):
                for row in _dicts(batch):
                    number += 1
                    for column, names in labels.items():
                        code = row[column]
                        row[column] = names[code] if code is not None and code >= 0 else None
                    yield number, {"split": split, **row} if add_split else row

    columns = [*first.column_names, *(["split"] if add_split else [])]
    identity = " ".join(f"{split}:{part._fingerprint}" for split, part in parts.items())
    return Rows(columns, "row", identity, read)


FILES: dict[str, Callable[[Path, str], Rows]] = {
    ".csv": open_csv,
    ".tsv": open_csv,
    ".jsonl": open_json,
    ".ndjson": open_json,
    ".json": open_json,
    ".parquet": _open_parquet,
}
