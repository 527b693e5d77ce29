"""A wide vector of weighted n-grams: no parameters, nothing to train."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.products import Products
from likewise.encoders.text import TextEncoder


class WeightedBag(TextEncoder):
    """The sum of weights of each id, float [b, vocabulary_size - 1]; with ``text=tfidf`` TF-IDF.

    Its cosine is the vector space model of Salton, Wong and Yang, "A Vector Space Model for
    Automatic Indexing", CACM 1975. No component is negative, so ``similarity=jaccard`` fits, too.

    Args:
        vocabulary_size: ids are below it; 0 is none.
    """

    trained_by = "none"

    def __init__(self, vocabulary_size: int, modality: str = "text") -> None:
        super().__init__(vocabulary_size - 1, nonnegative=True, modality=modality)

    def features(self, products: Tensor) -> Tensor:
        """Ids and weights [b, 2, length], or ids [b, length] of weight 1, to float [b, d]."""
        if products.ndim == 3:
            ids, weights = products[:, 0].long(), products[:, 1]
        else:
            ids, weights = products.long(), torch.ones_like(products, dtype=torch.float32)
        wide = weights.new_zeros(len(products), self.embedding_size + 1)
        return wide.scatter_add(1, ids, weights)[:, 1:]

    def forward(self, products: Products | Tensor) -> Tensor:
        """See ``Encoder``; without softplus, as no sum of weights is negative."""
        return self.features(products if isinstance(products, Tensor) else products[self.modality])
