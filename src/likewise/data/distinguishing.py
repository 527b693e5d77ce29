"""The tokens of a text that distinguish variants of a product: numbers, colours, sizes."""

from __future__ import annotations

import hashlib
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COLOURS = _words(
    """amber aqua beige black blue bronze brown burgundy camel champagne charcoal chrome clear
    copper coral cream crimson cyan gold golden graphite gray green grey indigo ivory khaki lavender
    lilac lime magenta maroon mint multicolor multicolour navy nickel olive orange peach pink
    platinum purple red rose rust salmon sand silver tan taupe teal transparent turquoise violet
    white yellow"""
)
SIZES = _words(
    """xxs xs s m l xl xxl xxxl xxxxl small medium large mini midi maxi big jumbo giant oversized
    petite regular tall short long slim narrow wide single double twin queen king full"""
)
# What else parts the products of one line, and batteries.
VARIANTS = _words(
    """pro plus max lite ultra left right men man women woman boys boy girls girl kids baby unisex
    aa aaa aaaa ii iii iv vi vii viii ix"""
)
WORDS = COLOURS | SIZES | VARIANTS

UNITS = _words(
    """mm cm dm m km in inch inches ft foot feet yd oz lb lbs mg g kg ml cl dl l gal gallon gallons
    qt quart pt pint kb mb gb tb hz khz mhz ghz w watt watts kw v volt volts a amp amps ma mah ah hp
    btu k mp dpi pk pack packs pc pcs piece pieces ct count"""
)
NUMBER_AND_UNIT = re.compile(rf"(\d)[ -]({'|'.join(sorted(UNITS))})(?![^\W_])")
POSSESSIVE = re.compile(r"['’]s(?![^\W_])")
DIGIT = re.compile(r"\d")
# DK-100, 1.5 and 1/2 are one token, and so is 10" (inches), which is not 10' (feet); blue/white and
# other words without a digit are two.
TOKEN = re.compile(
    r"(?=(?:[^\W_]|[-./_])*\d)[^\W_]+(?:(?:[-./_]|(?<=\d),(?=\d))[^\W_]+)*(?:(?<=\d)[\"'″′”’]+)?"
    r"|[^\W_]+"
)


def distinguishing_tokens(text: str) -> list[str]:
    """The tokens of a ``normalised`` text which differ between variants of a product, sorted.

    These are tokens with a digit (model numbers, capacities, measures together with their unit),
    single letters other than "a", and ``WORDS``, which are English; of other languages only numbers
    are known. A token that occurs twice stands here twice.
    """
    text = NUMBER_AND_UNIT.sub(r"\1\2", POSSESSIVE.sub("", text))
    found: list[str] = []
    for word in text.split():
        # Most are letters only; for these, this way costs least.
        found += filter(_distinguishes, [word] if word.isalpha() else TOKEN.findall(word))
    return sorted(found)


def distinguishing_key(text: str) -> int:
    """A number below 2**64 that is the same for texts of the same distinguishing tokens."""
    tokens = " ".join(distinguishing_tokens(text)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(tokens, digest_size=8).digest(), "little")


def _distinguishes(token: str) -> bool:
    if token.isalpha():
        return token in WORDS or (len(token) == 1 and token != "a")
    return DIGIT.search(token) is not None
