"""Counts of the defects in the rows of a table, by kind."""

from __future__ import annotations

from collections import Counter
from enum import Enum

SHOWN = 3


class Defect(Enum):
    """A kind of broken row: what is done with it, and why."""

    FIELDS = ("left out", "the line has too few or too many fields")
    RECORD = ("left out", "the line is no JSON object")
    LONG = ("left out", "a field of the line has more than 131,072 characters")
    NO_PICTURE = ("left out", "no picture is named")
    PICTURE_MISSING = ("left out", "the picture file is missing")
    PICTURE_NO_FILE = ("left out", "the picture is no file but a folder, a pipe or a device")
    PICTURE_BYTES = ("left out", "the picture file is larger than 64 MiB")
    PICTURE_KIND = ("left out", "the picture is neither a path nor bytes")
    PICTURE_ON_WEB = ("left out", "the picture is a web address, which is not fetched")
    PICTURE_CORRUPT = ("left out", "the picture cannot be decoded")
    PICTURE_FLAT = ("left out", "the picture is of one colour, a placeholder")
    PICTURE_SMALL = ("left out", "the picture is too small")
    PICTURE_LARGE = ("left out", "the picture has more pixels than a safe picture has")
    EMPTY = ("left out", "there is nothing to compare them by")
    DUPLICATE = ("left out", "an earlier product has the same product_id")
    NO_ID = ("kept and named after their place", "the product_id is missing")
    NO_TITLE = ("kept without a title", "it is empty")
    PRICE = ("kept without a price", "it cannot be read")
    ATTRIBUTES = ("kept without attributes", "these are neither names with values nor JSON of it")
    TEXT = ("kept with the text mended", "it held control characters or bytes of another encoding")
    NESTED = ("kept with JSON as the text", "a list or an object stands where a text should")
    NO_GROUP = ("kept, but in no split", "the group is missing")
    SPLIT = ("kept, but in no split", "the name of the split is unknown")
    UNKNOWN_PRODUCT = ("left out", "they name a product that the catalogue does not have")
    SELF = ("left out", "they pair a product with itself")
    LABEL = ("left out", "the label is neither 1 nor 0")


# Where a catalogue may do without pictures, a product whose picture is broken stays for its text.
WITHOUT_PICTURE = "kept without a picture"


class Findings:
    """Counts of defects, and the first places of each.

    Args:
        noun: the name of a row, ``product`` or ``pair``.
        place: the name of its position, ``line``, ``row`` or ``file``.
    """

    def __init__(self, noun: str, place: str) -> None:
        self.noun, self.place = noun, place
        self._counts: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], list[str]] = {}

    def add(self, defect: Defect, place: int | str, done: str | None = None) -> None:
        """Count a row; ``done`` says what was done with it, if that differs from its kind."""
        key = (done or defect.value[0], defect.value[1])
        self._counts[key] += 1
        self._places.setdefault(key, [])
        if len(self._places[key]) < SHOWN:
            self._places[key].append(str(place))

    def sentences(self) -> list[str]:
        """Return one sentence per kind, those on rows that were left out first."""
        order = sorted(
            self._counts, key=lambda key: (key[0] != "left out", -self._counts[key], key)
        )
        return [self._sentence(*key) for key in order]

    def _sentence(self, done: str, why: str) -> str:
        count, places = self._counts[done, why], self._places[done, why]
        more = " …" if count > len(places) else ""
        plural = "" if count == 1 else "s"
        return (
            f"{count} {self.noun}{plural} {done}: {why} "
            f"({self.place}{plural} {', '.join(places)}{more})"
        )
