"""The base classes of matchers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from likewise.data.products import LabelledPairs, Products
from likewise.encoders.base import Encoder
from likewise.similarity.base import Similarity


class Matcher(nn.Module, ABC):
    """Scores pairs of products, larger for more similar; a subclass defines ``match_pairs``.

    Args:
        encoder: the encoder of the run, or ``None`` with ``encoder=none``.
        similarity: the measure between two embeddings; a matcher need not use it.

    Attributes:
        encoder_use: whether the matcher requires an encoder, can use one, or cannot use any.
        modalities: the modalities that the matcher reads in addition to those of its encoder.
        trained_by: the name of the only method that can train the matcher; ``None`` if any method
            can.
        uninitialised: options that build the same matcher without loading its initial weights.
    """

    encoder_use: ClassVar[Literal["required", "optional", "none"]] = "none"
    modalities: ClassVar[tuple[str, ...]] = ()
    trained_by: str | None = None
    uninitialised: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self, encoder: Encoder | None = None, similarity: Similarity | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.similarity = encoder, similarity

    @abstractmethod
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """Return scores, float32 [m], in evaluation mode; labels are not read."""

    def count_parameters(self) -> int:
        """Number of learned parameters that are needed to score a pair."""
        return sum(parameter.numel() for parameter in self.parameters())


class TrainableMatcher(Matcher):
    """A matcher that is trained on pairs by gradient descent; a subclass defines ``match``."""

    @abstractmethod
    def match(self, left: Products, right: Products) -> Tensor:
        """Return the differentiable score of each pair of a batch, float [b]."""


class EmbeddingMatcher(TrainableMatcher):
    """A matcher that compares the embeddings of two products; a subclass defines ``compare``.

    Its encoder embeds single products, so products can also be searched.
    """

    encoder_use = "required"
    encoder: Encoder

    @abstractmethod
    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Return differentiable scores, float [b], of two batches of embeddings, float [b, d]."""

    def match(self, left: Products, right: Products) -> Tensor:
        """See ``TrainableMatcher``."""
        return self.compare(self.encoder(left), self.encoder(right))

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``; each product is embedded once."""
        self.eval()
        embeddings = self.encoder.embed(pairs.products)
        return self.compare(embeddings[pairs.left], embeddings[pairs.right]).float()
