"""BM25 of the words of two titles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.products import LabelledPairs
from likewise.data.word_statistics import WordStatistics, stemmed_words
from likewise.errors import LikewiseError
from likewise.matchers.base import Matcher
from likewise.matchers.learned_text import LearnedText

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.module import ProductModule


class BM25(LearnedText, Matcher):
    """The title of the left product as a query, that of the right one as the text it may find.

    Which words are rare is learned from the titles of the whole catalogue, of all splits, as an
    index of a shop knows them; no label is read. See ``WordStatistics.bm25``.

    Args:
        k1: how slowly further occurrences of a word stop to count, at least 0.
        b: how much a long title is discounted, from 0 to 1.
    """

    trained_by = "none"
    columns = ("title",)

    def __init__(self, k1: float = 1.5, b: float = 0.75) -> None:
        super().__init__()
        if not (k1 >= 0 and 0 <= b <= 1):
            raise LikewiseError(f"matcher.k1={k1} must be at least 0, and b={b} between 0 and 1")
        self.k1, self.b = k1, b

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``."""
        self.fit(module.data.catalogue)

    def fit(self, catalogue: Dataset) -> None:
        """Learn how rare words are."""
        texts = titles(catalogue, np.arange(len(catalogue)))
        self.keep(WordStatistics.of(map(stemmed_words, texts)).to_dict())

    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``; BM25."""
        statistics = WordStatistics(**self.kept())
        words = [stemmed_words(text) for text in titles(pairs.catalogue, pairs.rows)]
        both = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        scores = [
            statistics.bm25(words[query], words[text], self.k1, self.b) for query, text in both
        ]
        return torch.tensor(scores, dtype=torch.float32, device=pairs.left.device)


def titles(catalogue: Dataset, rows: np.ndarray) -> list[str]:
    """Of some products, empty where one has none.

    Raises:
        LikewiseError: the catalogue has no titles.
    """
    if "title" not in catalogue.column_names:
        raise LikewiseError("the catalogue has no column title, whose words are compared")
    return [text or "" for text in catalogue.select_columns(["title"]).select(rows)["title"][:]]
