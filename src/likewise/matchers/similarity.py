"""The similarity of two embeddings as the score of a pair."""

from __future__ import annotations

from torch import Tensor

from likewise.encoders.base import Encoder
from likewise.matchers.base import EmbeddingMatcher
from likewise.similarity.base import Similarity


class SimilarityMatcher(EmbeddingMatcher):
    """Scores a pair by the similarity of its embeddings; a run has it with ``matcher=none``.

    Args:
        encoder: any encoder; its ``trained_by`` is that of this matcher.
        similarity: the measure between two embeddings.
    """

    similarity: Similarity

    def __init__(self, encoder: Encoder, similarity: Similarity) -> None:
        super().__init__(encoder, similarity)
        self.trained_by = encoder.trained_by

    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the similarity of each pair, negated if smaller values are closer."""
        measure = self.similarity
        values = measure.pairs(measure.prepare(left), measure.prepare(right))
        return values if measure.larger_is_closer else -values

    def count_parameters(self) -> int:
        """See ``Matcher``: the parameters of the encoder that inference needs."""
        return self.encoder.count_parameters()
