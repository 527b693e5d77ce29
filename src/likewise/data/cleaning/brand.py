"""Normalisation of brand names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from likewise.data.cleaning.steps import TextStep
from likewise.errors import LikewiseError

# Legal forms of companies, at the end of a name; not "SpA" and "AS", which are words as well.
FORMS = (
    "ab ag asa bv co company corp corporation gmbh inc incorporated kg kk limited llc llp lp ltd "
    "mbh nv oy oyj plc pte pty pvt sa sarl sas sl srl"
)
LEGAL = frozenset(FORMS.split())
LEGAL_CHINESE = re.compile(r"(?:股份|责任)?有限(?:责任)?公司$|株式会社$")
INITIALS = re.compile(r"(?<!\w)(?:\w\.)+(?:\w(?!\w))?")
APOSTROPHES = re.compile(r"(?<=[\w\u0300-\u036f])['’`](?=\w)")
AND = re.compile(r"(?<=[\w\u0300-\u036f]) ?[&+] ?(?=\w)")
ACCENTS = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")


@dataclass(frozen=True)
class Brand(TextStep):
    """Writes brands in lower case without accents, punctuation and legal form; applies aliases.

    ``HP Inc.`` and ``hp`` become ``hp``, and so does ``Hewlett-Packard`` with an alias. A brand
    without any letter or digit becomes missing.

    Args:
        aliases: a mapping from other names of a brand to the name to use, both in any spelling.
    """

    columns: Sequence[str] = ("brand",)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for alias, name in self._names.items():
            if self._names.get(name, name) != name:
                raise LikewiseError(
                    f"cleaning: the brand alias {alias} stands for {name}, which is an alias "
                    f"itself; let it stand for {self._names[name]}"
                )

    @cached_property
    def _names(self) -> dict[str, str]:
        return {spelt(alias): spelt(name) for alias, name in self.aliases.items()}

    def text(self, text: str) -> str | None:
        """See ``TextStep``."""
        brand = spelt(text)
        return self._names.get(brand, brand) or None


def spelt(brand: str) -> str:
    """Return the brand in lower case, without accents, punctuation and legal form."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", brand).casefold())
    text = INITIALS.sub(lambda letters: letters[0].replace(".", ""), APOSTROPHES.sub("", text))
    text = unicodedata.normalize("NFKC", ACCENTS.sub("", AND.sub(" and ", text)))
    # The class \w cannot be used, because it lacks the vowel signs of Indic scripts.
    parts = (c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return " ".join(_without_legal_form("".join(parts).split()))


def _without_legal_form(words: list[str]) -> list[str]:
    while words:
        *rest, last = words
        if bare := LEGAL_CHINESE.search(last):
            words = [*rest, last[: bare.start()]] if bare.start() else rest
        elif rest and last in LEGAL:
            words = rest[:-1] if len(rest) > 1 and rest[-1] == "and" else rest
        else:
            break
    return words
