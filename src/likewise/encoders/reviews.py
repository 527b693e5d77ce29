"""Attention over the reviews of a product."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.encoders.bag import mean_embedding
from likewise.encoders.base import Encoder


class ReviewAttention(Encoder):
    """The mean of each review's token embeddings; of these, a mean weighted by a learned query.

    Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016,
    equations 8 to 10, over texts instead of sentences.

    Args:
        vocabulary_size: token ids are below it; 0 is none.
        width: of a token's embedding.
        dropout: probability before the last linear layer.
    """

    modality = "reviews"

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        width: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        self.tokens = nn.Embedding(vocabulary_size, width, padding_idx=0)
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Token ids [b, reviews, length] to float [b, embedding_size]."""
        reviews = mean_embedding(self.tokens, products)
        return self.head((self.weights(reviews, products)[..., None] * reviews).sum(1))

    def weights(self, reviews: Tensor, ids: Tensor) -> Tensor:
        """Of reviews, float [b, reviews, width]: float [b, reviews] that sum to 1, or 0."""
        scores = self.query(torch.tanh(self.key(reviews))).squeeze(2)
        return masked_softmax(scores, (ids != 0).any(2))


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension where ``mask``, zero elsewhere and where it is never true."""
    held = scores.masked_fill(~mask, -torch.inf)
    # A row without any would be NaN, and so would its gradient.
    held = held.masked_fill(~mask.any(-1, keepdim=True), 0.0)
    return held.softmax(-1) * mask
