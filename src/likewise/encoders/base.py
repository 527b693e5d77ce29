"""What an encoder is."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F


class Encoder(nn.Module):
    """A batch of products to embeddings, float [b, embedding_size].

    A subclass sets ``modality`` and writes ``features``; whoever trains it calls ``forward``.

    Args:
        embedding_size: width of the embedding.
        nonnegative: pass the embedding through softplus, for similarities between non-negative
            vectors (Jaccard).
    """

    modality: Literal["image", "text", "attributes", "reviews"] = "image"
    trained_by = "metric_learning"

    def __init__(self, embedding_size: int, nonnegative: bool = False) -> None:
        super().__init__()
        self.embedding_size, self.nonnegative = embedding_size, nonnegative

    def features(self, products: Tensor) -> Tensor:
        """The embedding before the sign constraint, float [b, embedding_size]."""
        raise NotImplementedError(f"{type(self).__name__} must define features()")

    def forward(self, products: Tensor) -> Tensor:
        """Float [b, ...] in, float [b, embedding_size] out."""
        embedding = self.features(products)
        return F.softplus(embedding) if self.nonnegative else embedding
