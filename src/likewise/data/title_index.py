"""An inverted index of titles, for BM25 of a query with each of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from likewise.data.word_statistics import WordStatistics, stemmed_words


class TitleIndex:
    """The words of each title, by word; a query reads the titles that have its words only.

    Args:
        titles: read once; empty where a product has none.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        self.numbers: dict[str, int] = {}
        columns, lengths = array("i"), array("q")
        for title in titles:
            words = stemmed_words(title)
            columns.extend(self.numbers.setdefault(word, len(self.numbers)) for word in words)
            lengths.append(len(words))
        self.lengths = np.array(lengths, np.int64)
        table = csr_matrix(
            (
                np.ones(len(columns), np.float32),
                np.array(columns, np.int32),
                np.concatenate([[0], np.cumsum(self.lengths)]),
            ),
            shape=(len(self.lengths), len(self.numbers)),
        )
        table.sum_duplicates()
        self.by_word = table.tocsc()

    def bm25(self, query: Sequence[str], k1: float = 1.5, b: float = 0.75) -> np.ndarray:
        """float64 [n], of each title, see ``WordStatistics.bm25``.

        Args:
            query: its stemmed words.
            k1, b: see there.
        """
        mean = float(self.lengths.mean()) if len(self.lengths) else 0.0
        discounted = k1 * (1 - b + b * self.lengths / max(mean, 1e-9))
        scores = np.zeros(len(self.lengths))
        for word in query:
            if (number := self.numbers.get(word)) is None:
                continue
            found = slice(*self.by_word.indptr[number : number + 2])
            rows, counts = self.by_word.indices[found], self.by_word.data[found].astype(np.float64)
            weight = WordStatistics(len(self.lengths), mean, {word: len(rows)}).weight(word)
            scores[rows] += weight * counts / (counts + discounted[rows])
        return scores
