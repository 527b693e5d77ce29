"""The rows of a JSON file: a list of objects, or one object per line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from likewise.data.table.base import Row, Rows, stamp
from likewise.data.table.columns import ROLES
from likewise.data.table.findings import Defect
from likewise.data.table.text import check_text, first_line, lines, open_text
from likewise.errors import LikewiseError

# JSON objects may have different keys; the columns are found from this many of them.
LOOKED_AT = 1000
RIGHT = "it should be a list of objects, one a product, or hold one object a line"


def open_json(path: Path, encoding: str) -> Rows:
    """The table; raises ``LikewiseError`` if it holds no object, or a list that is broken."""
    check_text(path, encoding)
    place = "line"
    values: Callable[[], Iterable[tuple[int, Any]]] = partial(_json_lines, path, encoding)
    if first_line(path, encoding).lstrip().startswith("["):
        # One list of all rows can only be read at once.
        place = "row"
        values = partial(enumerate, _list(path, encoding), 1)

    def read() -> Iterator[Row]:
        for number, value in values():
            yield number, value if isinstance(value, dict) else Defect.RECORD

    columns: dict[str, None] = {}
    looked_at = [row for _, row in itertools.islice(read(), LOOKED_AT)]
    for row in looked_at:
        if isinstance(row, dict):
            columns |= dict.fromkeys(row)
    if not columns:
        _refuse(path, place, looked_at)
    if place == "line" and len(looked_at) == 1:
        _check_wrapped(path, looked_at[0])
    return Rows(list(columns), place, stamp(path.resolve()), read)


def _list(path: Path, encoding: str) -> list[Any]:
    content = path.read_text(encoding=encoding, errors="surrogateescape")
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        cut = "" if content.rstrip().endswith("]") else ", and the list never ends: it is cut off"
        raise LikewiseError(
            f"{path} is broken in line {error.lineno}, column {error.colno} ({error.msg}){cut}; "
            f"{RIGHT}"
        ) from error
    except RecursionError as error:
        raise LikewiseError(f"{path} nests lists or objects too deeply; {RIGHT}") from error


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[int, Any]]:
    with open_text(path, encoding) as file:
        for number, line in enumerate(lines(file), start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (json.JSONDecodeError, RecursionError):
                    yield number, None


def _refuse(path: Path, place: str, looked_at: list[Any]) -> None:
    if not looked_at:
        raise LikewiseError(f"{path} holds no {place}; {RIGHT}")
    with path.open("rb") as file:
        first = file.read(64).strip()[:1]
    if place == "line" and first == b"{":
        raise LikewiseError(
            f"{path} is one JSON object over several lines, or a broken one; {RIGHT}"
        )
    raise LikewiseError(f"no {place} of {path} is a JSON object; {RIGHT}")


def _check_wrapped(path: Path, row: Any) -> None:
    """Refuse an only object that holds the list of products under a name."""
    if not isinstance(row, dict) or set(row) & set(ROLES):
        return
    for name, value in row.items():
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            raise LikewiseError(
                f"{path} is one JSON object with a list named {name}; save that list alone"
            )
