"""A vector with the weight of each n-gram; it has no parameters and needs no training."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.products import Products
from likewise.encoders.base import TokenTable
from likewise.encoders.text import TextEncoder


class WeightedBag(TextEncoder):
    """The summed weights of each id, float [b, vocabulary_size - 1]: TF-IDF with ``text=tfidf``.

    Its cosine is the vector space model of Salton, Wong and Yang, "A Vector Space Model for
    Automatic Indexing", CACM 1975. No component is negative, as
    ``similarity=jaccard`` requires.

    Args:
        vocabulary_size: number of ids; id 0 is padding.
    """

    trained_by = "none"

    def __init__(self, vocabulary_size: int, modality: str = "text") -> None:
        super().__init__(vocabulary_size - 1, nonnegative=True, modality=modality)

    @property
    def is_linear(self) -> bool:
        """See ``Encoder``."""
        return True

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``; the ids are the dimensions of the embedding themselves."""
        return []

    def features(self, products: Tensor) -> Tensor:
        """Map ids and weights [b, 2, length], or ids [b, length] of weight 1, to float [b, d]."""
        if products.ndim == 3:
            ids, weights = products[:, 0].long(), products[:, 1]
        else:
            ids, weights = products.long(), torch.ones_like(products, dtype=torch.float32)
        wide = weights.new_zeros(products.shape[0], self.embedding_size + 1)
        return wide.scatter_add(1, ids, weights)[:, 1:]

    def forward(self, products: Products | Tensor) -> Tensor:
        """See ``Encoder``; softplus is not needed, because sums of weights are never negative."""
        return self.features(products if isinstance(products, Tensor) else products[self.modality])
