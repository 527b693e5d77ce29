"""What a matcher is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from likewise.data.products import LabelledPairs, Products
from likewise.encoders.base import Encoder
from likewise.scorer import Scorer


class Matcher(Scorer, ABC):
    """A pair of products to a score, larger for more alike; a subclass writes ``match_pairs``."""

    gives = "scores pairs of products and has no embeddings of single ones"
    advice = "choose a matcher"

    @abstractmethod
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """Scores float32 [m] in evaluation mode; labels are not read."""


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
    gives = "compares embeddings of single products"
    advice = "use task=matching, or matcher=none with an encoder"
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
