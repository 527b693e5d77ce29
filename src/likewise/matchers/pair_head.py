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
    """Predicts the logit of a match from the embeddings of two products, by a small network.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3 (the classification objective).

    Args:
        encoder: any encoder; it is trained together with the head.
        similarity: not used.
        features: the vectors to concatenate: ``left``, ``right``, ``difference`` (its absolute
            value) and ``product`` (elementwise).
        hidden_size: size of the hidden layer of the head; 0 makes the head linear.
        dropout: dropout probability before the hidden layer.
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
                f"matcher.features={list(features)} must be a list of some of {', '.join(FEATURES)}"
            )
        self.used = tuple(features)
        width = len(features) * encoder.embedding_size
        hidden: list[nn.Module] = []
        if hidden_size:
            hidden = [nn.Dropout(dropout), nn.Linear(width, hidden_size), nn.ReLU()]
        self.head = nn.Sequential(*hidden, nn.Linear(hidden_size or width, 1))

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logit of a match for each pair, float [b]."""
        common = torch.cat([FEATURES[name](left, right) for name in self.used], dim=1)
        return self.head(common).squeeze(1)
