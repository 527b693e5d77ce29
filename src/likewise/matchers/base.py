"""The base classes of matchers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from likewise.data.products import LabelledPairs, Products
from likewise.encoders.base import Encoder
from likewise.scorer import Scorer


class Matcher(Scorer, ABC):
    """Scores pairs of products, larger for more similar; a subclass defines ``match_pairs``."""

    gives = "scores pairs of products and has no embeddings of single ones"
    advice = "choose a matcher"

    @abstractmethod
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """Return scores, float32 [m], in evaluation mode; labels are not read."""


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
    gives = "compares embeddings of single products"
    advice = "use task=matching, or matcher=none with an encoder"
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
