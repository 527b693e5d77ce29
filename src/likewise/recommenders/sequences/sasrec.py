"""A causal transformer over the sequence of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from likewise.recommenders.sequences.base import SequenceRecommender
from likewise.recommenders.sequences.product_vectors import ProductVectors

if TYPE_CHECKING:
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity


class SASRec(SequenceRecommender):
    """Self-attention to the products before, with a learned vector for each place.

    Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018; here with normalisation
    before each part and at the end.

    Args:
        layers: of attention and a feed-forward network.
        heads: of attention.
        dropout: probability of the product vectors and within the layers.
        encoder: of the content of products; ``None`` for none.
        similarity: is not read; the score is an inner product.
    """

    def __init__(
        self,
        products: ProductVectors,
        length: int = 50,
        layers: int = 2,
        heads: int = 2,
        dropout: float = 0.3,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
    ) -> None:
        super().__init__(products, length, encoder)
        width = products.width
        self.places = nn.Embedding(length, width)
        nn.init.normal_(self.places.weight, std=0.02)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, layers, nn.LayerNorm(width), enable_nested_tensor=False
        )

    def states(self, vectors: Tensor) -> Tensor:
        """See ``SequenceRecommender``; at most ``length`` vectors."""
        length, width = vectors.shape[1:]
        # The scale of Vaswani et al. (2017), section 3.4.
        inputs = self.dropout(vectors * width**0.5 + self.places.weight[:length])
        later = nn.Transformer.generate_square_subsequent_mask(length, device=vectors.device)
        return self.layers(inputs, mask=later, is_causal=True)
