"""The reviews of a product as a bag of texts."""

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
    """int32 [n, most, length]: the subwords of each product's first reviews that say anything.

    Args:
        most: reviews of a product.
        size, length: of the subwords, which are trained on the reviews of training products.
    """

    def __init__(self, most: int = 10, size: int = 8000, length: int = 64) -> None:
        if most < 1:
            raise LikewiseError(f"reviews.most={most} must be at least 1")
        self.most = most
        self.subwords = Subwords(size=size, length=length)

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.subwords.train(text for own in self._reviews(catalogue, rows) for text in own)

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        reviews = self._reviews(catalogue, rows)
        counts = torch.tensor([len(own) for own in reviews], dtype=torch.int64)
        ids = self.subwords.encode([text for own in reviews for text in own])
        table = ids.new_zeros(len(reviews), self.most, ids.shape[1])
        table[torch.arange(self.most) < counts[:, None]] = ids
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
        return [[text for text in own or () if text and text.strip()][: self.most] for own in table]
