"""Texts as hashed n-grams with TF-IDF weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor

from likewise.data.modalities.hashed import HashedText
from likewise.data.modalities.texts import COLUMNS
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

FILE = "tfidf.safetensors"
ANALYZERS = ("word", "char_wb")


class Tfidf(HashedText):
    """The different n-grams of a text and their weights, float32 [n, 2, length].

    Row 0 holds ids from 1 with 0 behind the last, row 1 weights: (1 + ln tf) · (ln((1 + N) /
    (1 + df)) + 1) of the term frequency tf and of the df among N training products that have the
    n-gram, as scikit-learn's ``TfidfTransformer`` has it.

    Args:
        analyzer: n-grams of words (``word``), or of characters within words (``char_wb``).
        smallest, largest: words, or characters, of an n-gram.
        bits: ids are 1 … 2 ** bits; at most 20.
        length: n-grams of a text that are kept, those of the largest weight.
    """

    # Ids are held as float32, which has whole numbers up to 2 ** 24.
    most_bits = 20

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        analyzer: Literal["word", "char_wb"] = "word",
        smallest: int = 1,
        largest: int = 1,
        bits: int = 12,
        length: int = 128,
    ) -> None:
        super().__init__(columns, smallest, largest, bits, length)
        if analyzer not in ANALYZERS:
            raise LikewiseError(
                f"text.analyzer={analyzer} is unknown; it can be {' or '.join(ANALYZERS)}"
            )
        self.options: dict[str, Any] = {
            "analyzer": analyzer,
            "ngram_range": (smallest, largest),
            # One sign, as the weights of different n-grams must not cancel out.
            "alternate_sign": False,
            "norm": None,
            "n_features": 2**bits,
        }
        if analyzer == "word":
            self.options["token_pattern"] = r"(?u)\b\w+\b"
        self.idf = np.ones(2**bits)

    def _counts(self, texts: Sequence[str | None]) -> Any:
        """Sparse [n, 2 ** bits] of how often each text has each n-gram."""
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(**self.options).transform(text or "" for text in texts)

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """Learn in how many of the training products each n-gram is."""
        frequency = self._counts(self.texts(catalogue, rows)).getnnz(axis=0)
        self.idf = np.log((1 + len(rows)) / (1 + frequency)) + 1

    def weights(self, texts: Sequence[str | None]) -> Any:
        """The weights of all n-grams of each text, sparse [n, 2 ** bits]."""
        found = self._counts(texts)
        found.data = (1 + np.log(found.data)) * self.idf[found.indices]
        return found

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """See the class."""
        found = np.zeros((len(texts), 2, self.length), dtype=np.float32)
        sparse = self.weights(texts)
        for row, (start, end) in enumerate(zip(sparse.indptr, sparse.indptr[1:], strict=False)):
            ids, weights = sparse.indices[start:end], sparse.data[start:end]
            kept = np.argsort(-weights, kind="stable")[: self.length]
            found[row, :, : len(kept)] = ids[kept] + 1, weights[kept]
        return torch.from_numpy(found)

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        save_file({"idf": self.idf}, folder / FILE)

    def load(self, folder: Path) -> None:
        """See ``Reader``."""
        path = folder / FILE
        if not path.is_file():
            raise LikewiseError(f"{path} is missing; the run's folder is not whole")
        self.idf = load_file(path)["idf"]
