"""A small network over the embeddings of two products."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher
from likewise.similarity.base import Similarity

FEATURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "left": lambda left, right: left,
    "right": lambda left, right: right,
    "difference": lambda left, right: (left - right).abs(),
    "product": lambda left, right: left * right,
}


class PairHead(EmbeddingMatcher):
    """An encoder, and the logit of a match from what two of its embeddings have in common.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3 (the classification objective).

    Args:
        encoder: any encoder; it is trained with the head.
        similarity: not read.
        features: of ``left``, ``right``, ``difference`` (absolute) and ``product``, side by side.
        hidden_size: of the head; 0 for a linear one.
        dropout: probability before the hidden layer.
    """

    trained_by = "pairs"

    def __init__(
        self,
        encoder: Encoder,
        similarity: Similarity | None = None,
        features: Sequence[str] = ("difference", "product"),
        hidden_size: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(encoder, similarity)
        if not features or not set(features) <= set(FEATURES):
            raise LikewiseError(
                f"matcher.features={list(features)} must be some of {', '.join(FEATURES)}"
            )
        self.used = tuple(features)
        width = len(features) * encoder.embedding_size
        hidden: list[nn.Module] = []
        if hidden_size:
            hidden = [nn.Dropout(dropout), nn.Linear(width, hidden_size), nn.ReLU()]
        self.head = nn.Sequential(*hidden, nn.Linear(hidden_size or width, 1))

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """The logit of a match, float [b]."""
        common = torch.cat([FEATURES[name](left, right) for name in self.used], dim=1)
        return self.head(common).squeeze(1)
