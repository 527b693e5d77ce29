"""How well the words of a title answer those of a query, in numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from likewise.data.word_statistics import WordStatistics

# The shortest word that may be the beginning of another.
SHORTEST = 3


class QuerySignals:
    """Signals of a query and a title; other than ``PairSignals``, the two are not alike.

    Features of this kind are those of Liu, "Learning to Rank for Information Retrieval", 2009,
    table 6.2.

    Args:
        statistics: of the words of the catalogue.
    """

    def __init__(self, statistics: WordStatistics) -> None:
        self.statistics = statistics

    @property
    def names(self) -> list[str]:
        """Of the signals, in their order."""
        return list(self._signals([], []))

    def __call__(
        self, words: Sequence[list[str]], left: np.ndarray, right: np.ndarray
    ) -> np.ndarray:
        """Float32 [m, signals], at least 0.

        Args:
            words: of each product, see ``stemmed_words``.
            left, right: int64 [m], places in ``words`` of the query and the title.
        """
        rows = [
            list(self._signals(words[query], words[title]).values())
            for query, title in zip(left.tolist(), right.tolist(), strict=True)
        ]
        return np.array(rows, np.float32).reshape(len(rows), len(self.names))

    def _signals(self, query: list[str], title: list[str]) -> dict[str, float]:
        weight = self.statistics.weight
        first = {word: place for place, word in reversed(list(enumerate(title)))}
        weights = [weight(word) for word in query]
        found = [word for word in query if word in first]
        missing = [weight(word) for word in query if word not in first]
        places = [first[word] for word in found]
        steps = [
            first[after] - first[word]
            for word, after in pairwise(query)
            if word in first and after in first
        ]
        # English names what a thing is by its last word.
        head = query[-1] if query else ""
        return {
            "bm25": self.statistics.bm25(query, title),
            "cosine of words": self._cosine(query, title),
            "share found": _share(len(found), len(query)),
            "weight found": _share(sum(map(weight, found)), sum(weights)),
            "begun": _share(sum(_begins(word, title) for word in query), len(query)),
            "rarest found": max(map(weight, found), default=0.0),
            "rarest missing": max(missing, default=0.0),
            "rarest": max(weights, default=0.0),
            "weight": sum(weights),
            "first place": _share(min(places, default=len(title)), len(title)),
            "last place": _share(max(places, default=len(title)), len(title)),
            "neighbours": _share(sum(step == 1 for step in steps), len(query) - 1),
            "head found": float(head in first),
            "head place": _share(first.get(head, len(title)), len(title)),
            "title's last word asked": float(bool(title) and title[-1] in query),
            "query words": float(len(query)),
            "query characters": float(sum(map(len, query))),
            "title words": float(len(title)),
        }

    def _cosine(self, query: list[str], title: list[str]) -> float:
        """Of the TF-IDF vectors of both, with (1 + ln tf) times the weight of a word."""
        one, other = (self._vector(words) for words in (query, title))
        norms = math.sqrt(_squares(one) * _squares(other))
        return _share(sum(value * other.get(word, 0.0) for word, value in one.items()), norms)

    def _vector(self, words: list[str]) -> dict[str, float]:
        weight = self.statistics.weight
        counts = Counter(words)
        return {word: (1 + math.log(count)) * weight(word) for word, count in counts.items()}


def _squares(vector: dict[str, float]) -> float:
    return sum(value * value for value in vector.values())


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _begins(word: str, title: list[str]) -> bool:
    """Whether the word is, or begins, or continues a word of the title."""
    if word in title:
        return True
    both = ((word, other) if len(word) <= len(other) else (other, word) for other in title)
    return any(len(short) >= SHORTEST and long.startswith(short) for short, long in both)
