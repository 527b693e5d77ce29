"""The reviews of a product as a set of texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.base import Reader
from likewise.data.modalities.subwords import Subwords
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


class Reviews(Reader):
    """Reads the first non-empty reviews of each product as int32 [n, max_reviews, length].

    Args:
        max_reviews: maximum number of reviews per product.
        max_vocabulary_size: see ``Subwords``; the tokeniser is trained on the reviews of training
            products.
        max_length: maximum number of subwords per review.
    """

    def __init__(
        self, max_reviews: int = 10, max_vocabulary_size: int = 8000, max_length: int = 64
    ) -> None:
        if max_reviews < 1:
            raise LikewiseError(f"reviews.max_reviews={max_reviews} must be at least 1")
        self.max_reviews = max_reviews
        self.subwords = Subwords(max_vocabulary_size=max_vocabulary_size, max_length=max_length)

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.subwords.train(text for own in self._reviews(catalogue, rows) for text in own)

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        reviews = self._reviews(catalogue, rows)
        counts = torch.tensor([len(own) for own in reviews], dtype=torch.int64)
        ids = self.subwords.encode([text for own in reviews for text in own])
        table = ids.new_zeros(len(reviews), self.max_reviews, ids.shape[1])
        table[torch.arange(self.max_reviews) < counts[:, None]] = ids
        return table

    def sizes(self) -> dict[str, Any]:
        """See ``Reader``."""
        return {"vocabulary_size": self.subwords.vocabulary_size}

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        self.subwords.save(folder)

    def load(self, folder: Path) -> None:
        """See ``Reader``."""
        self.subwords.load(folder)

    def _reviews(self, catalogue: Dataset, rows: np.ndarray) -> list[list[str]]:
        if "reviews" not in catalogue.column_names:
            raise LikewiseError(
                f"the catalogue has no reviews; it has {', '.join(catalogue.column_names)}"
            )
        table = catalogue.select_columns(["reviews"]).select(rows)[:]["reviews"]
        return [
            [text for text in own or () if text and text.strip()][: self.max_reviews]
            for own in table
        ]
