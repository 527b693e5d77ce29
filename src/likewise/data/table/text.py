"""Files of text: opened line by line, and refused where they are something else."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from likewise.errors import LikewiseError

# Characters of a line that are kept; what follows them in the line is passed over.
LONGEST_LINE = 2**24
# What tells other files, by their first bytes.
OTHERS = {
    b"PK\x03\x04": "a ZIP archive, as spreadsheets are; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file; save the table as CSV",
    b"PAR1": "a Parquet file; give it the suffix .parquet",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"%PDF": "a PDF; save the table as CSV",
}
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# The share of control characters, line ends and tabs left out, that no text has.
STRANGE = 0.05


def open_text(path: Path, encoding: str) -> TextIO:
    """Bytes that are not of the encoding become lone surrogates, to be mended later."""
    return path.open(encoding=encoding, errors="surrogateescape", newline="")


def lines(file: TextIO) -> Iterator[str]:
    """Its lines, of which no one fills the memory."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith("\n"):
            rest = line
            while rest and not rest.endswith("\n"):
                rest = file.readline(LONGEST_LINE)
        yield line


def check_text(path: Path, encoding: str) -> None:
    """Refuse a file that is not text, or not of the encoding, as its first bytes tell.

    Raises:
        LikewiseError: which says what the file is.
    """
    with path.open("rb") as file:
        head = file.read(2**16)
    for first, what in OTHERS.items():
        if head.startswith(first):
            raise LikewiseError(f"{path} is {what}")
    if _is_wide(encoding):
        return
    found = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if found is None and len(head) >= 4:
        # Of Western text in UTF-16 every second byte is 0.
        empty = [head[start::2].count(0) / len(head[start::2]) for start in (0, 1)]
        if max(empty) > 0.4 and min(empty) < 0.1:
            found = "utf-16-be" if empty[0] > empty[1] else "utf-16-le"
    if found is not None:
        raise LikewiseError(f"{path} is written in {found.upper()}; set data.encoding={found}")
    strange = sum(byte < 32 and byte not in b"\t\n\v\f\r" for byte in head)
    if strange > max(10, STRANGE * len(head)):
        raise LikewiseError(
            f"{path} is binary, not text; save the table as CSV, JSON or Parquet with that suffix"
        )


def first_line(path: Path, encoding: str) -> str:
    """The first line that is not blank; an empty text if there is none."""
    with open_text(path, encoding) as file:
        return next((line for line in itertools.islice(lines(file), 10_000) if line.strip()), "")


def _is_wide(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
