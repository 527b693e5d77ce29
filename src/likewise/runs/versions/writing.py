"""Writing of versions, each whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from likewise.atomic import atomic
from likewise.errors import LikewiseError
from likewise.runs.versions.version import (
    CURRENT,
    DEAD,
    EMBEDDINGS,
    MANIFEST,
    ROWS,
    Version,
    current_number,
    read_version,
    version_folder,
)

# Seconds that a writer waits for another one.
PATIENCE = 600
# Rows that are copied at once.
BATCH = 10_000
# Products with their embeddings, float32 [n, d].
Part = tuple[pa.Table, np.ndarray]


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Wait until this process alone writes versions, and tidy up after one that was killed.

    Raises:
        LikewiseError: another process writes for too long, or the files cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / ".lock", timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise LikewiseError(
            f"another process has been updating {root.parent} for {PATIENCE} seconds; try again"
        ) from None
    with lock:
        for left in root.glob(".partial-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def write_version(
    root: Path,
    parent: Version | None,
    new: Part,
    dead: Mapping[int, np.ndarray] | None = None,
    deleted: Sequence[str] = (),
) -> Version:
    """Write a version and make it the current one; the caller holds ``writing``.

    The files are written to a folder of another name, which is renamed when all of them are on the
    disk. Replacing the one small file that names the current version is the last step, so that
    readers have the old version or the new one.

    The segment of a new version absorbs the last segments of its parent that are not larger, as a
    log-structured merge tree does (O'Neil et al., "The Log-Structured Merge-Tree", 1996). There
    are thus at most about log2(n) segments of n products, and on average a product is copied as
    often.

    Args:
        parent: the version that is changed; ``None`` for the first one.
        new: new and changed products with their embeddings.
        dead: by segment of the parent, the rows (int64) that are not part of the new version; among
            them those that the parent does not have either.
        deleted: ids of the deleted products.

    Raises:
        LikewiseError: there is not enough space, or the files cannot be written. The current
            version stays the current one.
    """
    number = 0 if parent is None else _free_number(root)
    dead = dict(dead or {})
    segments = [] if parent is None else list(parent.segments)
    parts, size = [new], len(new[0])
    while parent is not None and segments:
        last = parent.segment(segments[-1])
        if (count := len(last.dataset) - len(dead.get(segments[-1], ()))) > size:
            break
        mask = np.ones(len(last.dataset), bool)
        mask[dead.pop(segments.pop(), np.empty(0, np.int64))] = False
        parts.insert(0, (last.table.filter(pa.array(mask)), last.embeddings[mask]))
        size += count
    partial = root / f".partial-{number}"
    manifest = {
        "number": number,
        "parent": None if parent is None else parent.number,
        "segments": [*segments, *([number] if size else [])],
        "fresh": len(new[0]),
        "deleted": list(deleted),
    }
    try:
        partial.mkdir()
        if size:
            _write_rows(partial / ROWS, [table for table, _ in parts])
            _write_embeddings(partial / EMBEDDINGS, [rows for _, rows in parts if len(rows)])
        arrays: dict[str, Any] = {str(name): rows for name, rows in dead.items()}
        np.savez(partial / DEAD, **arrays)
        (partial / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        for path in partial.iterdir():
            _sync(path)
        os.rename(partial, version_folder(root, number))
        set_current(root, number)
    except OSError as error:
        known = current_number(root)
        stays = "the run has no version yet" if known is None else f"version {known} stays"
        raise LikewiseError(
            f"the update could not be written to {root} ({error.strerror or error}), so {stays}; "
            "free some disk space and try again"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    opened = {} if parent is None else parent.opened
    return read_version(root, number, opened)


def set_current(root: Path, number: int) -> None:
    """Make a version the current one, in one step."""
    with atomic(root / CURRENT) as partial:
        partial.write_text(f"{number}\n")
        _sync(partial)
    _sync(root)


def roll_back(root: Path) -> Version:
    """Make the parent of the current version the current one.

    Raises:
        LikewiseError: there is no earlier version.
    """
    with writing(root):
        number = current_number(root)
        parent = None if number is None else read_version(root, number).parent
        if parent is None:
            raise LikewiseError(
                f"{root.parent} has no earlier version of its catalogue to go back to"
            )
        set_current(root, parent)
        return read_version(root, parent)


def _free_number(root: Path) -> int:
    """Return a number that no version has, also none that was rolled back."""
    return 1 + max(int(path.name) for path in root.glob("[0-9]*") if path.name.isdecimal())


def _write_rows(path: Path, tables: Iterable[pa.Table]) -> None:
    writer = None
    with pa.OSFile(str(path), "wb") as sink:
        try:
            for table in tables:
                writer = writer or pa.ipc.new_stream(sink, table.schema)
                writer.write_table(table, max_chunksize=BATCH)
        finally:
            if writer is not None:
                writer.close()


def _write_embeddings(path: Path, parts: Sequence[np.ndarray]) -> None:
    """Write the rows of several arrays as one, without holding it."""
    shape = (sum(map(len, parts)), parts[0].shape[1])
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            for start in range(0, len(part), BATCH):
                file.write(np.ascontiguousarray(part[start : start + BATCH], "<f4").tobytes())


def _sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
