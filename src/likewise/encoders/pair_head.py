"""An encoder whose embeddings are compared by a learned head."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from likewise.data.products import Products
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.similarity.base import Similarity

FEATURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "left": lambda left, right: left,
    "right": lambda left, right: right,
    "difference": lambda left, right: (left - right).abs(),
    "product": lambda left, right: left * right,
}


class PairHead(Encoder):
    """A base encoder, and a logit of what two embeddings have in common.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3 (the classification objective).

    Args:
        base: any encoder.
        features: of ``left``, ``right``, ``difference`` (absolute) and ``product``, side by side.
        hidden_size: of the head; 0 for a linear one.
        dropout: probability before the hidden layer.
    """

    trained_by = "pairs"

    def __init__(
        self,
        base: Encoder,
        features: Sequence[str] = ("difference", "product"),
        hidden_size: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(base.embedding_size, base.nonnegative)
        if not features or not set(features) <= set(FEATURES):
            raise LikewiseError(
                f"encoder.features={list(features)} must be some of {', '.join(FEATURES)}"
            )
        self.modality, self.base, self.used = base.modality, base, tuple(features)
        width = len(features) * base.embedding_size
        hidden: list[nn.Module] = []
        if hidden_size:
            hidden = [nn.Dropout(dropout), nn.Linear(width, hidden_size), nn.ReLU()]
        self.head = nn.Sequential(*hidden, nn.Linear(hidden_size or width, 1))

    def forward(self, products: Products | Tensor) -> Tensor:
        """The base encoder's embedding, float [b, embedding_size]."""
        return self.base(products)

    def compare(self, left: Tensor, right: Tensor, similarity: Similarity) -> Tensor:
        """The logit of a match, float [b]; the similarity is not read."""
        common = torch.cat([FEATURES[name](left, right) for name in self.used], dim=1)
        return self.head(common).squeeze(1)
