"""Splitting of texts into words, for scripts with and without spaces between words."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Chinese characters and kana, which are written without spaces.
UNPARTED = (
    "々〆〇\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)


def tokens(text: str) -> list[str]:
    """Split a text into its words, in NFKC and lower case.

    Runs of Chinese characters and kana become their overlapping pairs (a single one stays single),
    which need no dictionary and find most words. In other scripts, words are
    separated by spaces and punctuation; Thai and similar scripts give long tokens. Numbers
    keep their decimals and their units (``3.5mm``, ``1/2``), and what is joined by hyphens and
    holds a digit is a model number and stays whole (``wh-1000xm4``). Apostrophes are left out.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    found = []
    for match in _pattern().finditer(folded):
        run = match[0]
        if match["unparted"]:
            found += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
        elif "-" in run and not any(character.isdigit() for character in run):
            found += _bare(run).split("-")
        else:
            found.append(_bare(run))
    return found


def _bare(word: str) -> str:
    return word.replace("'", "").replace("’", "")


@cache
def _pattern() -> re.Pattern[str]:
    # The marks that write the vowels of many scripts are no \\w.
    marks = "".join(
        chr(point)
        for point in range(0x300, 0x20000)
        if unicodedata.category(chr(point)).startswith("M")
    )
    letters = rf"(?:(?![_{UNPARTED}])[\w{marks}])+"
    inside = (
        r"(?<=[0-9])[.,](?=[0-9])|-|(?<=[^\W\d])['’](?=[^\W\d_])|(?<=[0-9])/(?=[0-9]+(?:in)?\b)"
    )
    return re.compile(rf"(?P<unparted>[{UNPARTED}]+)|{letters}(?:(?:{inside}){letters})*")
