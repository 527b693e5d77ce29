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
    """Reads the distinct n-grams of a text and their weights, float32 [n, 2, max_length].

    Row 0 holds ids from 1, padded with 0; row 1 holds weights. The weight of an n-gram is
    (1 + ln tf) · (ln((1 + N) / (1 + df)) + 1), where tf is its frequency in the text, N the number
    of training products and df the number of training products that contain it, as in
    scikit-learn's ``TfidfTransformer``.

    Args:
        columns: see ``TextReader``.
        analyzer: n-grams of words (``word``), or of characters within words (``char_wb``).
        min_n, max_n: smallest and largest number of words or characters of an n-gram.
        hash_bits: the ids are 1 to 2 ** hash_bits; at most 20.
        max_length: maximum number of n-grams per text; those with the largest weights are kept.
    """

    tensor_kind = "weights"
    # Ids are stored as float32, which represents integers exactly up to 2 ** 24.
    max_hash_bits = 20

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        analyzer: Literal["word", "char_wb"] = "word",
        min_n: int = 1,
        max_n: int = 1,
        hash_bits: int = 12,
        max_length: int = 128,
    ) -> None:
        super().__init__(columns, min_n, max_n, hash_bits, max_length)
        if analyzer not in ANALYZERS:
            raise LikewiseError(
                f"text.analyzer={analyzer} is unknown; it can be {' or '.join(ANALYZERS)}"
            )
        self.options: dict[str, Any] = {
            "analyzer": analyzer,
            "ngram_range": (min_n, max_n),
            # With one sign, the weights of n-grams that share an id cannot cancel out.
            "alternate_sign": False,
            "norm": None,
            "n_features": 2**hash_bits,
        }
        if analyzer == "word":
            self.options["token_pattern"] = r"(?u)\b\w+\b"
        self.idf = np.ones(2**hash_bits)

    def _counts(self, texts: Sequence[str | None]) -> Any:
        """Count the n-grams of each text; sparse [n, 2 ** hash_bits]."""
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(**self.options).transform(text or "" for text in texts)

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """Learn in how many training products each n-gram occurs."""
        frequency = self._counts(self.texts(catalogue, rows)).getnnz(axis=0)
        self.idf = np.log((1 + len(rows)) / (1 + frequency)) + 1

    def weights(self, texts: Sequence[str | None]) -> Any:
        """The weights of all n-grams of each text, sparse [n, 2 ** bits]."""
        found = self._counts(texts)
        found.data = (1 + np.log(found.data)) * self.idf[found.indices]
        return found

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """Return ids and weights, float32 [n, 2, max_length]; see the class."""
        found = np.zeros((len(texts), 2, self.max_length), dtype=np.float32)
        sparse = self.weights(texts)
        for row, (start, end) in enumerate(zip(sparse.indptr, sparse.indptr[1:], strict=False)):
            ids, weights = sparse.indices[start:end], sparse.data[start:end]
            kept = np.argsort(-weights, kind="stable")[: self.max_length]
            found[row, :, : len(kept)] = ids[kept] + 1, weights[kept]
        return torch.from_numpy(found)

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        save_file({"idf": self.idf}, folder / FILE)

    def load(self, folder: Path) -> None:
        """See ``Reader``."""
        path = folder / FILE
        if not path.is_file():
            raise LikewiseError(f"{path} is missing; the folder of the run is incomplete")
        self.idf = load_file(path)["idf"]
