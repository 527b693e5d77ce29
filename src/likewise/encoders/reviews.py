"""Attention over the reviews of a product."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from likewise.encoders.bag import mean_embedding
from likewise.encoders.base import Encoder


class ReviewAttention(Encoder):
    """Embeds each review by its mean token embedding and pools the reviews by attention.

    Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016,
    equations 8 to 10, over reviews instead of sentences.

    Args:
        vocabulary_size: number of token ids; id 0 is padding.
        token_embedding_size: size of the embedding of a token.
        dropout: dropout probability before the last linear layer.
    """

    modality = "reviews"

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        token_embedding_size: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        self.tokens = nn.Embedding(vocabulary_size, token_embedding_size, padding_idx=0)
        self.key = nn.Linear(token_embedding_size, token_embedding_size)
        self.query = nn.Linear(token_embedding_size, 1, bias=False)
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(token_embedding_size, embedding_size)
        )

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, reviews, length] to float [b, embedding_size]."""
        reviews = mean_embedding(self.tokens, products)
        return self.head((self.weights(reviews, products)[..., None] * reviews).sum(1))

    def weights(self, reviews: Tensor, ids: Tensor) -> Tensor:
        """Attention weights, float [b, reviews], of embedded reviews [b, reviews, d].

        The weights of a product sum to 1, or to 0 if it has no review.
        """
        scores = self.query(torch.tanh(self.key(reviews))).squeeze(2)
        return masked_softmax(scores, (ids != 0).any(2))


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last dimension where ``mask`` is True; zero elsewhere."""
    held = scores.masked_fill(~mask, -torch.inf)
    # In a row without any True, the softmax and its gradient would be NaN.
    held = held.masked_fill(~mask.any(-1, keepdim=True), 0.0)
    return held.softmax(-1) * mask
