"""Removal of texts that say nothing about their product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from likewise.data.cleaning.steps import Step

# Phrases in the form that ``_plain`` returns.
PHRASES = (
    "n a",
    "na",
    "nan",
    "nil",
    "none",
    "null",
    "unknown",
    "undefined",
    "unbranded",
    "no brand",
    "not specified",
    "not available",
    "not applicable",
    "does not apply",
    "tba",
    "tbd",
    "to be announced",
    "coming soon",
    "description",
    "product description",
    "description coming soon",
    "description not available",
    "no description",
    "no description available",
    "no description found",
    "no description provided",
    "no product description",
    "no product description available",
    "product description not available",
    "there is no description available for this product",
    "there is no description for this product",
    "this product has no description",
    "see above",
    "see description",
    "see image",
    "see images",
    "see photo",
    "see photos",
    "see picture",
    "see pictures",
    "see title",
    "keine beschreibung",
    "keine beschreibung verfügbar",
    "keine beschreibung vorhanden",
    "pas de description",
    "aucune description",
    "aucune description disponible",
    "sin descripción",
    "nessuna descrizione",
    "无",
    "暂无",
    "暂无描述",
    "暂无简介",
    "説明なし",
)
LOREM = "lorem ipsum"
# The maximum length in characters of texts that are looked up; longer ones would take too long.
LONGEST = 100


@dataclass(frozen=True)
class Boilerplate(Step):
    """Removes empty texts, phrases that stand for a missing text, and useless descriptions.

    A description is useless if it only repeats the title or is lorem ipsum.

    Args:
        columns: columns of plain texts.
        phrases: additional phrases; case and punctuation do not matter.
    """

    columns: Sequence[str] = ("description", "brand", "category")
    phrases: Sequence[str] = ()

    @property
    def reads(self) -> Sequence[str]:
        """The columns and the title."""
        return (*self.columns, "title")

    @cached_property
    def _phrases(self) -> frozenset[str]:
        return frozenset(["", *PHRASES, *(_plain(phrase) for phrase in self.phrases)])

    def clean(self, batch: dict[str, list]) -> dict[str, list]:
        """See ``Step``."""
        cleaned = {name: self._said(batch[name]) for name in self.columns if name in batch}
        if "description" in cleaned and "title" in batch:
            pairs = zip(cleaned["description"], batch["title"], strict=True)
            cleaned["description"] = [None if _repeats(*pair) else pair[0] for pair in pairs]
        return {**batch, **cleaned}

    def _said(self, texts: list[str | None]) -> list[str | None]:
        return [None if text is None or self._says_nothing(text) else text for text in texts]

    def _says_nothing(self, text: str) -> bool:
        plain = _plain(text[:LONGEST])
        return plain.startswith(LOREM) or (len(text) <= LONGEST and plain in self._phrases)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _repeats(description: str | None, title: str | None) -> bool:
    if description is None or title is None:
        return False
    # The first test avoids splitting every long description into words.
    return len(description) < 2 * len(title) + 20 and _plain(description) == _plain(title)
