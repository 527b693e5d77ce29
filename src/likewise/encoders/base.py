"""What an encoder is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products, parts, take, to_float

# Numbers of the products that are embedded at once, 3 x 224 x 224 of a picture of that size: the
# maps of a convolution take many times their memory.
NUMBERS = 2**24


class Encoder(nn.Module):
    """A batch of products to embeddings, float [b, embedding_size].

    A subclass sets ``modality`` and writes ``features``; whoever trains it calls ``forward``.

    Args:
        embedding_size: width of the embedding.
        nonnegative: pass the embedding through softplus, for similarities between non-negative
            vectors (Jaccard).

    Attributes:
        modality: which tensor it reads: ``image``, ``text``, ``attributes``, ``reviews`` or one of
            your own.
        trained_by: the name of the one method that can train it; ``None`` for any method.
        uninitialised: options that make the same encoder without reading its initial weights; a
            finished run has weights of its own.
    """

    modality: str = "image"
    trained_by: str | None = None
    uninitialised: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, embedding_size: int, nonnegative: bool = False) -> None:
        super().__init__()
        self.embedding_size, self.nonnegative = embedding_size, nonnegative

    @property
    def kept(self) -> nn.Module:
        """The part that is needed after training."""
        return self

    def count_parameters(self) -> int:
        """How many learned numbers embedding a product needs."""
        return sum(parameter.numel() for parameter in self.kept.parameters())

    def features(self, products: Tensor) -> Tensor:
        """The embedding before the sign constraint, float [b, embedding_size]."""
        raise NotImplementedError(f"{type(self).__name__} must define features()")

    def forward(self, products: Products | Tensor) -> Tensor:
        """Products, or the tensor of the encoder's own modality, to float [b, embedding_size]."""
        own = products if isinstance(products, Tensor) else products[self.modality]
        embedding = self.features(own)
        return F.softplus(embedding) if self.nonnegative else embedding

    def rates(self) -> dict[nn.Parameter, float]:
        """Parameters that learn at a share of the learning rate, and that share."""
        return {}

    @torch.no_grad()
    def embed(self, products: Products, batch_size: int = 1024) -> Tensor:
        """Many products to float32 [n, embedding_size] in evaluation mode.

        Args:
            products: as they are held, or streamed.
            batch_size: products at a time; fewer where they are large, such as big pictures.
        """
        self.eval()
        one = sum(values.numel() for values in take(products, slice(0, 1)).values())
        size = min(batch_size, max(16, NUMBERS // max(1, one) // 16 * 16))
        return torch.cat([self(to_float(part)).float() for part in parts(products, size)])
