"""The base class of indexes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.similarity.base import Similarity


class Index(ABC):
    """Finds the products with the most similar embeddings, and follows changes of the catalogue.

    A product has a key, an integer from 0. Keys should have few gaps, because an index may keep an
    array with one entry per key.
    """

    measure: Similarity

    def build(self, measure: Similarity, keys: np.ndarray, embeddings: Tensor) -> None:
        """Replace the content of the index.

        Args:
            measure: the similarity of embeddings.
            keys: int64 [n], each once.
            embeddings: float32 [n, d], one row per key; not modified.

        Raises:
            LikewiseError: the index does not support the similarity.
        """
        self.measure = measure
        self._build(_checked(keys, embeddings), measure.prepare(embeddings))

    def upsert(self, keys: np.ndarray, embeddings: Tensor) -> None:
        """Add products, and replace the embeddings of those that are there; see ``build``."""
        if len(keys):
            self._upsert(_checked(keys, embeddings), self.measure.prepare(embeddings))

    @abstractmethod
    def delete(self, keys: np.ndarray) -> None:
        """Delete products by their keys, int64 [n]; unknown keys are ignored."""

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, np.ndarray]:
        """Find the k most similar products of each query, best first.

        Args:
            queries: embeddings, float32 [q, d].

        Returns:
            Values of the similarity, float32 [q, k], and keys, int64 [q, k]. Where fewer than k
            products are found, the key is -1 and the value is NaN.
        """
        if k < 1:
            raise LikewiseError(f"k={k} must be at least 1")
        values = torch.full((len(queries), k), torch.nan)
        keys = np.full((len(queries), k), -1, np.int64)
        if len(self) and len(queries):
            found, where = self._search(self.measure.prepare(queries), k)
            values[:, : found.shape[1]] = found.cpu()
            keys[:, : where.shape[1]] = where
        return values, keys

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of products."""

    @property
    @abstractmethod
    def num_bytes(self) -> int:
        """The memory that the index takes, in bytes."""

    @abstractmethod
    def _build(self, keys: np.ndarray, embeddings: Tensor) -> None: ...

    @abstractmethod
    def _upsert(self, keys: np.ndarray, embeddings: Tensor) -> None: ...

    @abstractmethod
    def _search(self, queries: Tensor, k: int) -> tuple[Tensor, np.ndarray]:
        """Search with prepared queries; may return fewer than k columns."""


def _checked(keys: np.ndarray, embeddings: Tensor) -> np.ndarray:
    if len(keys) != len(embeddings) or len(np.unique(keys)) < len(keys) or (keys < 0).any():
        raise LikewiseError("an index needs one embedding per key, and each key, from 0, only once")
    return keys.astype(np.int64)
