"""How rare the words of a catalogue are, and BM25 by them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from likewise.data.tokens import tokens


def stemmed_words(text: str | None) -> list[str]:
    """The ``tokens`` of a text, plurals of English as singulars.

    Harman, "How Effective Is Suffixing?", JASIS 1991, the S stemmer: ``lamps`` and ``lamp`` are one
    word, and so are ``batteries`` and ``battery``.
    """
    return [_singular(word) for word in tokens(text or "")]


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else f"{word[:-3]}y"
    return word if word.endswith(("us", "ss")) else word[:-1]


class WordStatistics:
    """In how many texts each word is, and how many words a text has on average.

    Args:
        texts: how many there are.
        length: their mean number of words.
        counts: how many of them have a word.
    """

    def __init__(
        self, texts: int = 0, length: float = 0.0, counts: Mapping[str, int] | None = None
    ) -> None:
        self.texts, self.length, self.counts = texts, length, dict(counts or {})

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> WordStatistics:
        """Of the words of some texts."""
        counts: Counter[str] = Counter()
        number = words = 0
        for text in texts:
            counts.update(set(text))
            number, words = number + 1, words + len(text)
        return cls(number, words / max(1, number), counts)

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make these statistics."""
        return {"texts": self.texts, "length": self.length, "counts": self.counts}

    def weight(self, word: str) -> float:
        """ln(1 + (N - n + 0.5) / (n + 0.5)) where n of N texts have the word; always above 0."""
        having = self.counts.get(word, 0)
        return math.log(1 + (self.texts - having + 0.5) / (having + 0.5))

    def bm25(
        self, query: Sequence[str], text: Sequence[str], k1: float = 1.5, b: float = 0.75
    ) -> float:
        """The BM25 score of a text for a query, both as words; a repeated word counts again.

        Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with
        the weight that Lucene gives to words.

        Args:
            k1: how slowly further occurrences of a word stop to count.
            b: how much a long text is discounted, from 0 to 1.
        """
        saturation = k1 * (1 - b + b * len(text) / max(self.length, 1e-9))
        return sum(
            self.weight(word) * count / (count + saturation)
            for word in query
            if (count := text.count(word))
        )
