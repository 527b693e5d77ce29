"""The similarity of two embeddings as the score of a pair."""

from __future__ import annotations

from torch import Tensor

from likewise.encoders.base import Encoder
from likewise.matchers.base import EmbeddingMatcher
from likewise.similarity.base import Similarity


class SimilarityMatcher(EmbeddingMatcher):
    """What a run has with ``matcher=none``: its encoder and its similarity, nothing else to learn.

    Args:
        encoder: any encoder; how it is trained is the encoder's own matter.
        similarity: the measure between two embeddings.
    """

    similarity: Similarity

    def __init__(self, encoder: Encoder, similarity: Similarity) -> None:
        super().__init__(encoder, similarity)
        self.trained_by = encoder.trained_by

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """The similarity of each pair, its sign changed where smaller is closer."""
        measure = self.similarity
        values = measure.pairs(measure.prepare(left), measure.prepare(right))
        return values if measure.larger_is_closer else -values

    def count_parameters(self) -> int:
        """See ``Matcher``: what is left of the encoder after training."""
        return self.encoder.count_parameters()
