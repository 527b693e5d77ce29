"""The rows of a CSV or TSV file, without losing good lines after a broken one."""

from __future__ import annotations

import csv
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from likewise.data.table.base import Row, Rows, stamp
from likewise.data.table.findings import Defect
from likewise.data.table.text import check_text, lines, open_text
from likewise.errors import LikewiseError


def open_csv(path: Path, encoding: str) -> Rows:
    """The table; raises ``LikewiseError`` if its header cannot be read."""
    check_text(path, encoding)
    with open_text(path, encoding) as file:
        first = next(lines(file), "")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    try:
        with open_text(path, encoding) as file:
            header = next(csv.reader(lines(file), delimiter=delimiter), [])
    except csv.Error as error:
        raise LikewiseError(
            f"the header of {path} cannot be read ({error}); its first line must name the columns"
        ) from error
    header = [name.strip() for name in header]
    named = [name for name in header if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise LikewiseError(f"{path} has two columns named {twice}")

    def read() -> Iterator[Row]:
        with open_text(path, encoding) as file:
            found = records(lines(file), delimiter, len(header))
            for number, fields in itertools.islice(found, 1, None):
                if isinstance(fields, Defect):
                    yield number, fields
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


def records(
    file: Iterable[str], delimiter: str, width: int
) -> Iterator[tuple[int, list[str] | Defect]]:
    """The line and the fields of each record, or what is wrong where they are not ``width``.

    A quote that is never closed would swallow the lines after it. Where a record of several lines
    makes no sense, only its first line is given up and the others are read again.
    """
    taken = _Lines(file)
    reader = csv.reader(taken, delimiter=delimiter, strict=True)
    while True:
        taken.taken.clear()
        try:
            fields = _fitted(next(reader), width)
        except StopIteration:
            return
        except csv.Error:
            fields = Defect.FIELDS
        number, line = taken.taken[0]
        if isinstance(fields, Defect):
            taken.give_back_all_but_one()
            try:
                fields = _fitted(next(csv.reader([line], delimiter=delimiter), []), width)
            except csv.Error as error:
                fields = Defect.LONG if "field limit" in str(error) else Defect.FIELDS
        if fields != []:
            yield number, fields


def _fitted(fields: list[str], width: int) -> list[str] | Defect:
    """The fields of a record, none of an empty line; spreadsheets add empty ones at the end."""
    if fields and (len(fields) < width or any(fields[width:])):
        return Defect.FIELDS
    return fields[:width]
