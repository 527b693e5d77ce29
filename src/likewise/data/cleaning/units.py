"""Normalisation of quantities: ``16 GB``, ``16gb`` and ``16 gigabytes`` become ``16GB``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from likewise.data.cleaning.steps import TextStep

# Other spellings of each unit in lower case. A hyphen matches a hyphen, a space or nothing. Symbols
# with many other meanings, such as A, C, F, K, M and S, are not read as units.
UNITS = {
    "KB": "kilobyte kilobytes",
    "MB": "megabyte megabytes",
    "GB": "gigabyte gigabytes gig gigs",
    "TB": "terabyte terabytes",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "MP": "megapixel megapixels",
    "rpm": "",
    "dB": "decibel decibels",
    "lm": "lumen lumens",
    "mAh": "milliamp-hour milliamp-hours 毫安时 毫安",
    "Wh": "watt-hour watt-hours",
    "kWh": "kilowatt-hour kilowatt-hours",
    "W": "watt watts",
    "kW": "kilowatt kilowatts",
    "V": "volt volts",
    "A": "amp amps ampere amperes",
    "mm": "millimeter millimeters millimetre millimetres 毫米",
    "cm": "centimeter centimeters centimetre centimetres 厘米",
    "m": "meter meters metre metres",
    "in": "inch inches 英寸",
    "ft": "foot feet",
    "yd": "yds yard yards",
    "mg": "milligram milligrams",
    "g": "gram grams gramme grammes",
    "kg": "kgs kilo kilos kilogram kilograms kilogramme kilogrammes 公斤 千克",
    "oz": "ounce ounces",
    "lb": "lbs pound pounds",
    "ml": "milliliter milliliters millilitre millilitres 毫升",
    "cl": "centiliter centiliters centilitre centilitres",
    "L": "l liter liters litre litres",
    "floz": "fl-oz fl.oz fl.-oz fluid-oz fluid-ounce fluid-ounces",
    "gal": "gallon gallons",
    "qt": "quart quarts",
}
# These abbreviations may end in a full stop, which is removed.
DOTTED = {"in", "ft", "yd", "oz", "lb", "floz", "gal", "qt"}
# Single letters that are read as units; "G" is not, because "5 G" may be a network.
LETTERS = {"W": "W", "w": "W", "V": "V", "v": "V", "m": "m", "g": "g", "L": "L", "l": "L"}
# These are units only directly after the number, because of "2 in 1" and "3 w / case".
JOINED = {"in", "v", "w"}

# A letter or digit, or an accent of one, of the scripts that part words by blanks.
WORD = "0-9A-Za-zªµºÀ-ÖØ-öø-ɏ\u0300-\u036fͰ-ӿ_"
THOUSAND = "[1-9][0-9]{0,2}(?:,[0-9]{3})+"
NUMBER = rf"(?P<number>(?:{THOUSAND}|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
# A quantity starts a word, but for ranges ("10-15") and dimensions ("8x10"). After "&#" and "=" a
# number belongs to an entity or to the attribute of a tag.
START = rf"(?=[.0-9])(?<![{WORD}.,#&=-])"
INSIDE = rf"(?=[.0-9])(?:(?<![{WORD}.,#&=-])|(?<=[0-9][-x×])|(?<=[\"'”′]x))"

SPELT = {
    spelling: unit
    for unit, others in UNITS.items()
    for spelling in [unit.lower(), *others.split()]
    if len(spelling) > 1
}
SPELLINGS = LETTERS | {spelling.replace("-", ""): unit for spelling, unit in SPELT.items()}
WORDS = "|".join("[ -]?".join(map(re.escape, spelling.split("-"))) for spelling in SPELT)

# The number before that of a range.
FROM = re.compile(rf"(?<![{WORD}.-])([0-9]+(?:\.[0-9]+)?)-$")
SEPARATED = re.compile(rf"{START}{THOUSAND}(?![{WORD}-]|,[0-9])")
QUOTE = re.compile(
    rf"(?:{INSIDE}{NUMBER}(?P<blank> ?))?(?P<quote>''|′′|[\"”“])"
    rf"(?P<joined>(?=[{WORD}]))?(?P<tagged>(?=@))?"
)
# "6GRAM" means gigabytes of RAM.
QUANTITY = re.compile(
    rf"{INSIDE}{NUMBER}(?P<gap>[ -]?)(?P<unit>(?!GRAM(?!S))(?i:{WORDS})|[{''.join(LETTERS)}])"
    rf"(?P<dots>\.*+)(?![{WORD}-]|/(?![0-9]))"
)


@dataclass(frozen=True)
class UnitSpelling(TextStep):
    """Normalises the spelling of numbers and of their units.

    ``1,000`` becomes ``1000``; a number and its unit become one word, the unit in the spelling of
    its symbol; the inch may be written ``"``, ``''`` or ``in.``. Nothing is converted: ``1000ml``
    is not ``1L``. A number inside a word (``ABC-1,000X``) belongs to a model and stays.
    """

    # The brand is left out, because "3 M" and "7 Up" are not quantities.
    columns: Sequence[str] = ("title", "description", "attributes", "reviews")

    def text(self, text: str) -> str:
        """See ``TextStep``."""
        if "," in text:
            text = SEPARATED.sub(lambda number: number[0].replace(",", ""), text)
        if '"' in text or "”" in text or "''" in text or "′′" in text:
            text = _inches(text)
        return QUANTITY.sub(_quantity, text)


def _quantity(found: re.Match[str]) -> str:
    spelling, gap, dots = found["unit"], found["gap"], found["dots"]
    if len(spelling) > 1:
        spelling = spelling.lower().replace(" ", "").replace("-", "")
    spaced = gap and spelling in JOINED and not (spelling == "in" and dots)
    if spaced or (gap == "-" and spelling in LETTERS) or _in_model(found):
        return found[0]
    unit = SPELLINGS[spelling]
    return found["number"].replace(",", "") + unit + ("" if unit in DOTTED else dots)


def _in_model(found: re.Match[str]) -> bool:
    """Whether a number behind a hyphen ends no range: as in ``zt-40604-10l`` and ``72-10``."""
    before = found.string[max(0, found.start() - 30) : found.start()]
    if not before.endswith("-"):
        return False
    first = FROM.search(before)
    return first is None or float(first[1]) > float(found["number"].replace(",", ""))


def _inches(text: str) -> str:
    """The text with quotation marks after a number as inches, where none is open to be closed."""
    is_open = False

    def mark(found: re.Match[str]) -> str:
        nonlocal is_open
        starts_word = found["joined"] is not None
        quoting = found["number"] is None or _in_model(found) or found["quote"] == "“" or is_open
        # Crawled texts end in the tag of their language: "USB 3.0"@es.
        quoting = quoting or found["tagged"] is not None
        if quoting or (found["blank"] and starts_word):
            is_open ^= found["quote"] in '"“”'
            return found[0]
        return found["number"].replace(",", "") + ("in " if starts_word else "in")

    return QUOTE.sub(mark, text)
