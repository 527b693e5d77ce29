"""Finding, fetching, reading and hashing the files of a data source."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from likewise.errors import LikewiseError


def find_folder(
    name: str,
    path: str | None,
    needed: Sequence[str],
    *,
    advice: str = "set data.path to their folder",
    urls: Mapping[str, str] | None = None,
    sha256: Mapping[str, str] | None = None,
) -> Path:
    """Find the folder with the files of a data set, or download them.

    Args:
        name: name of the data set, such as ``grocery_store`` or ``product_matching/abt_buy``.
        path: the folder; ``None`` looks in ``$LIKEWISE_DATA/<name>`` and ``data/<name>``, in that
            order.
        needed: file names (one for each layout); the folder must have at least one of them.
        advice: what to do if there is no such folder, the end of the error message.
        urls: URLs of files by name, which are downloaded if there is no such folder; they go to the
            first folder that was checked. The file of ``needed`` comes last, so that an interrupted
            download is continued.
        sha256: hashes of those files by name, where they are known.
    """
    if path is not None:
        places = [Path(path)]
    else:
        places = [Path("data") / name]
        if root := os.environ.get("LIKEWISE_DATA"):
            places.insert(0, Path(root) / name)
    for place in places:
        if any((place / file).is_file() for file in needed):
            return place
    if urls:
        for file, url in urls.items():
            fetch(url, places[0] / file, (sha256 or {}).get(file))
        return places[0]
    raise LikewiseError(
        f"no {' or '.join(needed)} in {' or '.join(str(place) for place in places)}; {advice}"
    )


def fetch(url: str, target: Path, sha256: str | None = None) -> Path:
    """Download a file with pooch unless it exists; an interrupted download leaves no file.

    Args:
        url: the URL, with http, https, ftp or file.
        target: the path of the file; an existing file is kept, whatever its hash is.
        sha256: SHA-256 of the file as 64 hex digits; ``None`` accepts any file.

    Raises:
        LikewiseError: if the file cannot be downloaded or has another hash.
    """
    if target.is_file():
        return target
    # The notices of pooch advise programmers to write down the hash.
    pooch.get_logger().setLevel(logging.WARNING)
    known = None if sha256 is None else f"sha256:{sha256}"
    try:
        pooch.retrieve(
            url,
            known,
            target.name,
            target.parent,
            downloader=_copy if url.startswith("file:") else None,
        )
    except (OSError, ValueError) as error:
        raise LikewiseError(
            f"{url} could not be downloaded to {target} ({_reason(error)}); fetch it where there "
            "is a network and set data.path to its folder"
        ) from error
    return target


def _copy(url: str, output_file: str, _: Any) -> None:
    """Copy a file for pooch, which has no downloader for file URLs."""
    shutil.copyfile(url2pathname(urlsplit(url).path), output_file)


def _reason(error: Exception) -> str:
    """The reason of a network error, without the exceptions that wrap it."""
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", error)).rstrip(".")


def read_table(
    path: Path,
    columns: Mapping[str, pa.DataType],
    *,
    others: bool = False,
    encoding: str = "utf8",
) -> pa.Table:
    """Read a Parquet file or a CSV file, which may be zipped.

    Empty fields of a CSV are empty strings in columns of text and null in all others.

    Args:
        path: path of the file: ``.parquet``, ``.csv``, or ``.zip`` with one CSV in it.
        columns: the columns it must have and their types; values are converted if the
            conversion is exact. Columns of integers may not have missing values.
        others: whether to return the other columns as well; those of a CSV are text.
        encoding: encoding of a CSV.

    Raises:
        LikewiseError: for a file that is missing, damaged or lacks a column.
    """
    if not path.is_file():
        raise LikewiseError(f"{path.parent} has no {path.name}; fetch the data set again")
    read = _read_parquet if path.suffix == ".parquet" else _read_csv
    try:
        table = read(path, columns, others, encoding)
    except (pa.ArrowException, OSError, ValueError, csv.Error, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0].rstrip(". ")
        raise LikewiseError(f"{path} is damaged ({reason}); fetch it again") from error
    for name, kind in columns.items():
        if pa.types.is_integer(kind) and table[name].null_count:
            raise LikewiseError(
                f"{path} has {table[name].null_count} rows without a value of {name}; each row "
                "must have one"
            )
    return table


def fingerprint(paths: Sequence[Path], **options: Any) -> str:
    """16 hex digits that change with the content of the files, in this order, or an option."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    digest.update(repr(sorted(options.items())).encode())
    return digest.hexdigest()[:16]


def _read_parquet(
    path: Path, columns: Mapping[str, pa.DataType], others: bool, encoding: str
) -> pa.Table:
    file = pq.ParquetFile(path)
    _check_columns(path, columns, file.schema_arrow.names)
    table = file.read(None if others else list(columns))
    for name, kind in columns.items():
        table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    return table if others else table.select(list(columns))


def _read_csv(
    path: Path, columns: Mapping[str, pa.DataType], others: bool, encoding: str
) -> pa.Table:
    content = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            if len(names) != 1:
                raise ValueError(f"it holds {len(names)} CSV files and should hold one")
            content = archive.read(names[0])
    first = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    header = next(csv.reader(first), [])
    header[:1] = [name.removeprefix("\ufeff") for name in header[:1]]
    _check_columns(path, columns, header)
    wanted = header if others else list(columns)
    return pacsv.read_csv(
        io.BytesIO(content),
        read_options=pacsv.ReadOptions(encoding=encoding),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types={name: columns.get(name, pa.string()) for name in wanted},
            include_columns=wanted,
        ),
    )


def _check_columns(path: Path, columns: Mapping[str, pa.DataType], found: list[str]) -> None:
    if missing := [name for name in columns if name not in found]:
        raise LikewiseError(f"{path} has no column {missing[0]}; it has {', '.join(found)}")
