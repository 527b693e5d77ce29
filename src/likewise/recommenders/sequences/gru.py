"""A recurrent network over the sequence of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from likewise.recommenders.sequences.base import SequenceRecommender
from likewise.recommenders.sequences.product_vectors import ProductVectors

if TYPE_CHECKING:
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity


class GRU(SequenceRecommender):
    """Gated recurrent units over the product vectors.

    Hidasi, Karatzoglou, Baltrunas and Tikk, "Session-based Recommendations with Recurrent Neural
    Networks", ICLR 2016 (GRU4Rec).

    Args:
        hidden_size: of the units.
        layers: of units.
        dropout: probability of the product vectors, and between layers.
        encoder: of the content of products; ``None`` for none.
        similarity: is not read; the score is an inner product.
    """

    def __init__(
        self,
        products: ProductVectors,
        length: int = 50,
        hidden_size: int = 128,
        layers: int = 1,
        dropout: float = 0.3,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
    ) -> None:
        super().__init__(products, length, encoder)
        self.dropout = nn.Dropout(dropout)
        self.units = nn.GRU(
            products.width,
            hidden_size,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.out = nn.Linear(hidden_size, products.width)

    def states(self, vectors: Tensor) -> Tensor:
        """See ``SequenceRecommender``."""
        return self.out(self.dropout(self.units(self.dropout(vectors))[0]))
