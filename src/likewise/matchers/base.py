"""What a matcher is."""

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
    """A pair of products to a score, larger for more alike; a subclass writes ``match_pairs``.

    Args:
        encoder: the encoder of the run, or ``None`` with ``encoder=none``.
        similarity: the measure between two embeddings; a matcher may do without it.

    Attributes:
        encoder_use: whether the matcher needs an encoder, takes one if there is one, or has no use
            for one.
        modalities: what it reads itself, beside the modalities of its encoder.
        trained_by: the name of the one method that can train it; ``None`` for any method.
        uninitialised: options that make the same matcher without reading its initial weights.
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
        """Scores float32 [m] in evaluation mode; labels are not read."""

    def count_parameters(self) -> int:
        """How many learned numbers the score of a pair needs."""
        return sum(parameter.numel() for parameter in self.parameters())


class TrainableMatcher(Matcher):
    """A matcher that can be trained by gradient steps on pairs; a subclass writes ``match``."""

    @abstractmethod
    def match(self, left: Products, right: Products) -> Tensor:
        """The score of each pair of a batch, float [b]; differentiable."""


class EmbeddingMatcher(TrainableMatcher):
    """A matcher that compares the embeddings of two products; a subclass writes ``compare``.

    Its encoder embeds single products, so that they can be searched, too.
    """

    encoder_use = "required"
    encoder: Encoder

    @abstractmethod
    def compare(self, left: Tensor, right: Tensor) -> Tensor:
        """Scores float [b] of embeddings, float [b, embedding_size] each; differentiable."""

    def match(self, left: Products, right: Products) -> Tensor:
        """See ``TrainableMatcher``."""
        return self.compare(self.encoder(left), self.encoder(right))

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``; each product is embedded once."""
        self.eval()
        embeddings = self.encoder.embed(pairs.products)
        return self.compare(embeddings[pairs.left], embeddings[pairs.right]).float()
