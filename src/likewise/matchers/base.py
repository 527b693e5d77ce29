"""The base classes of matchers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from likewise.data.modalities.base import ALL_BUT_PICTURES
from likewise.data.products import LabelledPairs, Products
from likewise.encoders.base import Encoder
from likewise.scorer import Scorer


class Matcher(Scorer, ABC):
    """Scores pairs of products, larger for more similar; a subclass defines ``match_pairs``.

    Attributes:
        columns: the columns of the catalogue that it reads itself, without a reader.
    """

    gives = "scores pairs of products and has no embeddings of single ones"
    advice = "choose a matcher"
    columns: ClassVar[tuple[str, ...]] = ALL_BUT_PICTURES

    @property
    def reads_the_pair_alone(self) -> bool:
        """Whether a score depends on nothing but the two products and what was learned."""
        return True

    @abstractmethod
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """Return scores, float32 [m], in evaluation mode; labels are not read."""


class TrainableMatcher(Matcher):
    """A matcher that is trained on pairs by gradient descent; a subclass defines ``match``."""

    columns = ()

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
