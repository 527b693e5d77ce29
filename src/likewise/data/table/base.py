"""Rows of tables, as the readers of all formats yield them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likewise.data.table.findings import Defect

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
# Columns that a sentence names at most, and how much of a name.
NAMED, LETTERS = 20, 40

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


def stamp(path: Path | str) -> str:
    """Name, size and time of change of a file."""
    try:
        known = Path(path).stat()
    except (OSError, ValueError):
        return f"{path}\tmissing"
    return f"{path}\t{known.st_size}\t{known.st_mtime_ns}"


def named(columns: Sequence[str]) -> str:
    """The names of columns for a sentence, which stays readable whatever they are."""
    shown = ["".join(c if c.isprintable() else "?" for c in name) for name in columns[:NAMED]]
    short = [name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in shown]
    more = [f"{len(columns) - NAMED} more"] if len(columns) > NAMED else []
    return ", ".join([*short, *more]) or "none"
