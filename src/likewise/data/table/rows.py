"""The rows of a CSV, TSV, JSON or Parquet file, of a picture folder or of a hub's data set."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from likewise.data.catalogue import SPLITS
from likewise.data.table.findings import Defect
from likewise.errors import LikewiseError

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
# Rows that Arrow turns into Python objects at once.
BATCH = 256
# JSON objects need not have the same keys; those of so many are looked at for its columns.
LOOKED_AT = 1000

Row = tuple[int | str, dict[str, Any] | Defect]


@dataclass(frozen=True)
class Rows:
    """A table that is read as often as ``read`` is called.

    Attributes:
        columns: their names.
        place: what a row is found by: ``line`` (of a file, counted from 1 as editors do), ``row``
            (counted from 1) or ``file``.
        identity: changes when the content may have.
        read: yields the place of each row, and its values or what is wrong with it.
    """

    columns: list[str]
    place: str
    identity: str
    read: Callable[[], Iterator[Row]]


def open_rows(path: str, encoding: str, cache: Path) -> Rows:
    """Look at a table.

    Args:
        path: a file; a folder of pictures, ``<group>/<picture>`` or ``<split>/<group>/<picture>``;
            another folder or a name such as ``owner/name``, for ``datasets.load_dataset``.
        encoding: of CSV, TSV and JSON files.
        cache: folder that ``datasets`` may keep files in.

    Raises:
        LikewiseError: if there is no such table or it cannot be read at all.
    """
    place = Path(path).expanduser()
    try:
        if place.is_file():
            return _open_file(place, encoding)
        if place.is_dir():
            if files := _picture_files(place):
                return _open_pictures(place, files)
        elif not re.fullmatch(r"[\w.-]+/[\w.-]+", path) or place.suffix in FILES:
            raise LikewiseError(f"data.path={path} is neither a file nor a folder")
        return _open_dataset(path, cache)
    except (UnicodeError, pa.ArrowException, json.JSONDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise LikewiseError(f"{path} cannot be read ({reason})") from error


def stamp(path: Path | str) -> str:
    """Name, size and time of change of a file."""
    try:
        known = Path(path).stat()
    except (OSError, ValueError):
        return f"{path}\tmissing"
    return f"{path}\t{known.st_size}\t{known.st_mtime_ns}"


def _open_file(path: Path, encoding: str) -> Rows:
    opener = FILES.get(path.suffix.lower())
    if opener is None:
        raise LikewiseError(f"{path} has none of the suffixes {', '.join(FILES)}")
    if path.stat().st_size == 0:
        raise LikewiseError(f"{path} is empty")
    try:
        # Excel and others put a byte order mark first, which is no part of a column's name.
        return opener(path, "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except LookupError as error:
        raise LikewiseError(f"data.encoding={encoding} is unknown; try utf-8 or gb18030") from error


def _text(path: Path, encoding: str) -> TextIO:
    """Bytes that are not of the encoding become lone surrogates, to be mended later."""
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def _open_csv(path: Path, encoding: str) -> Rows:
    with _text(path, encoding) as file:
        first = file.readline()
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    with _text(path, encoding) as file:
        header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    named = [name for name in header if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise LikewiseError(f"{path} has two columns named {twice}")

    def read() -> Iterator[Row]:
        with _text(path, encoding) as file:
            for number, fields in itertools.islice(_records(file, delimiter, len(header)), 1, None):
                if fields is None:
                    yield number, Defect.FIELDS
                else:
                    yield number, dict(zip(header, fields, strict=True))

    return Rows(named, "line", stamp(path.resolve()), read)


class _Lines:
    """Lines with their numbers, that can be given back."""

    def __init__(self, file: Iterable[str]) -> None:
        self._file = enumerate(file, start=1)
        self._again: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.taken.append(self._again.popleft() if self._again else next(self._file))
        return self.taken[-1][1]

    def give_back_all_but_one(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))


def _records(
    file: Iterable[str], delimiter: str, width: int
) -> Iterator[tuple[int, list[str] | None]]:
    """The line and the fields of each record; ``None`` where they are not ``width``.

    A quote that is never closed would swallow the lines after it. Where a record of several lines
    makes no sense, only its first line is given up and the others are read again.
    """
    lines = _Lines(file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.taken.clear()
        try:
            fields = _fitted(next(reader), width)
        except StopIteration:
            return
        except csv.Error:
            fields = None
        number, line = lines.taken[0]
        if fields is None:
            lines.give_back_all_but_one()
            try:
                fields = _fitted(next(csv.reader([line], delimiter=delimiter), []), width)
            except csv.Error:
                fields = None
        if fields != []:
            yield number, fields


def _fitted(fields: list[str], width: int) -> list[str] | None:
    """The fields of a record, none of an empty line; spreadsheets add empty ones at the end."""
    if fields and (len(fields) < width or any(fields[width:])):
        return None
    return fields[:width]


def _open_json(path: Path, encoding: str) -> Rows:
    with _text(path, encoding) as file:
        first = next((line for line in file if line.strip()), "")
    if first.lstrip().startswith("["):
        # One array of all rows can only be read at once.
        content = json.loads(path.read_text(encoding=encoding, errors="surrogateescape"))
        lines: Callable[[], Iterator[tuple[int, Any]]] = lambda: enumerate(content, start=1)  # noqa: E731
        place = "row"
    else:
        lines, place = (lambda: _json_lines(path, encoding)), "line"

    def read() -> Iterator[Row]:
        for number, value in lines():
            yield number, value if isinstance(value, dict) else Defect.RECORD

    columns: dict[str, None] = {}
    for _, row in itertools.islice(read(), LOOKED_AT):
        if isinstance(row, dict):
            columns |= dict.fromkeys(row)
    return Rows(list(columns), place, stamp(path.resolve()), read)


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    with _text(path, encoding) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (json.JSONDecodeError, RecursionError):
                    yield number, None


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


def _open_dataset(name: str, cache: Path) -> Rows:
    import datasets

    try:
        loaded = datasets.load_dataset(name, cache_dir=str(cache))
    except Exception as error:  # whatever a loader or the network raises, it is one sentence
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LikewiseError(
            f"data.path={name} is no table here and could not be loaded as a data set ({reason})"
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
    ".csv": _open_csv,
    ".tsv": _open_csv,
    ".jsonl": _open_json,
    ".ndjson": _open_json,
    ".json": _open_json,
    ".parquet": _open_parquet,
}
