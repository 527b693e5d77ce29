"""Texts as bags of hashed character n-grams: nothing to fit, nothing to save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likewise.data.modalities.texts import readable
from likewise.data.text_hash import normalised
from likewise.data.tokens import tokens
from likewise.errors import LikewiseError


@dataclass(frozen=True)
class Bags:
    """Bags of weighted features, as ``torch.nn.EmbeddingBag(mode="sum")`` takes them.

    Attributes:
        features: int64 [m].
        offsets: int64 [n], where in ``features`` the bag of each text starts.
        weights: float32 [m], for ``per_sample_weights``.
    """

    features: Tensor
    offsets: Tensor
    weights: Tensor


@dataclass(frozen=True)
class HashedNgrams:
    """Character n-grams of each token, hashed to a fixed number of features.

    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009; by
    scikit-learn's ``HashingVectorizer`` (MurmurHash3, the same on every machine). A token stands
    between blanks, so that its beginning and end are n-grams of their own (as in fastText,
    Bojanowski et al. 2017); a token as a whole is a feature as well.

    Args:
        smallest, largest: characters of an n-gram.
        bits: features are 0 … 2 ** bits - 1.
        most: characters of a text that are read.
    """

    smallest: int = 3
    largest: int = 5
    bits: int = 18
    most: int = 10_000

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest:
            raise LikewiseError(
                f"n-grams of {self.smallest} to {self.largest} characters cannot be; the smallest "
                "must be at least 1 and the largest no smaller"
            )
        if not 1 <= self.bits <= 30:
            raise LikewiseError(f"bits={self.bits} must lie between 1 and 30")

    def matrix(self, texts: Sequence[str | None]) -> csr_matrix:
        """Float32 [n, 2 ** bits], rows of length 1; a text without tokens is a row of zeros."""
        from sklearn.feature_extraction.text import HashingVectorizer

        if not texts:
            return csr_matrix((0, 2**self.bits), dtype="float32")
        hashing = HashingVectorizer(
            analyzer=self._features, n_features=2**self.bits, alternate_sign=True, dtype="float32"
        )
        return hashing.transform([readable(text, self.most) for text in texts])

    def __call__(self, texts: Sequence[str | None]) -> Bags:
        """The bags of texts, in their order."""
        matrix = self.matrix(texts)
        return Bags(
            torch.from_numpy(matrix.indices).long(),
            torch.from_numpy(matrix.indptr[:-1]).long(),
            torch.from_numpy(matrix.data).float(),
        )

    def _features(self, text: str) -> Iterator[str]:
        for token in tokens(normalised(text)):
            padded = f" {token} "
            yield padded
            for size in range(self.smallest, min(self.largest, len(padded) - 1) + 1):
                for start in range(len(padded) - size + 1):
                    yield padded[start : start + size]
