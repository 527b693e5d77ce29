"""The base class of encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products, parts, take, to_float

# Numbers of the products that are embedded at once, 3 x 224 x 224 of a picture of that size: the
# maps of a convolution take many times their memory.
NUMBERS = 2**24


@dataclass(frozen=True)
class TokenTable:
    """Where an encoder keeps the embeddings of tokens.

    Attributes:
        modality: the name of the reader that makes the token ids.
        parameter: the name of the parameter, float [rows, d], in the encoder.
        first: the row of the token with id 1.
    """

    modality: str
    parameter: str
    first: int = 1

    def inside(self, name: str) -> TokenTable:
        """Return the same table as a part of a module that has the encoder as ``name``."""
        return replace(self, parameter=f"{name}.{self.parameter}")


class Encoder(nn.Module):
    """Maps a batch of products to embeddings, float [b, embedding_size].

    A subclass sets ``modality`` and defines ``features``; training methods call ``forward``.

    Args:
        embedding_size: number of dimensions of the embedding.
        nonnegative: apply softplus to the embedding, for similarities that need non-negative
            vectors (Jaccard).

    Attributes:
        modality: the name of the tensor that the encoder reads: ``image``, ``text``,
            ``attributes``, ``reviews`` or a modality of your own.
        trained_by: the name of the only method that can train the encoder; ``None`` if any method
            can.
        uninitialised: options that build the same encoder without loading its initial weights.
            They are used to load a finished run, which has its own weights.
        reads: the modalities of an encoder that reads several of them itself.
        caching: whether what frozen layers give of each product is kept, as it is in training.
    """

    modality: str = "image"
    trained_by: str | None = None
    uninitialised: ClassVar[Mapping[str, Any]] = {}
    reads: ClassVar[tuple[str, ...]] = ()
    caching: bool = False

    def __init__(self, embedding_size: int, nonnegative: bool = False) -> None:
        super().__init__()
        self.embedding_size, self.nonnegative = embedding_size, nonnegative

    @property
    def is_linear(self) -> bool:
        """Whether the embedding is linear in the picture, the token embeddings or the weights.

        A constant may be added to it. The scores of such encoders can be split exactly.
        """
        return False

    def token_tables(self) -> list[TokenTable]:
        """Return the embedding tables of the token ids that the encoder reads."""
        return []

    @property
    def inference_module(self) -> nn.Module:
        """The part of the encoder that is needed after training."""
        return self

    def count_parameters(self) -> int:
        """Number of learned parameters that are needed to embed a product."""
        return sum(parameter.numel() for parameter in self.inference_module.parameters())

    def features(self, products: Tensor) -> Tensor:
        """Return the embedding before the non-negativity constraint, float [b, embedding_size]."""
        raise NotImplementedError(f"{type(self).__name__} must define features()")

    def forward(self, products: Products | Tensor) -> Tensor:
        """Embed products, or the tensor of the encoder's modality: float [b, embedding_size]."""
        own = products if isinstance(products, Tensor) else products[self.modality]
        embedding = self.features(own)
        return F.softplus(embedding) if self.nonnegative else embedding

    def learning_rate_multipliers(self) -> dict[nn.Parameter, float]:
        """Learning-rate multipliers of single parameters; a missing parameter has 1."""
        return {}

    def cached_modality(self) -> str | None:
        """The modality of which training reads each product once, because of a cache."""
        return None

    @torch.no_grad()
    def embed(self, products: Products, batch_size: int = 1024) -> Tensor:
        """Embed many products in batches in evaluation mode: float32 [n, embedding_size].

        Args:
            products: as they are held, or streamed.
            batch_size: products at a time; fewer if they are large, such as big pictures.
        """
        self.eval()
        one = sum(values.numel() for values in take(products, slice(0, 1)).values())
        size = min(batch_size, max(16, NUMBERS // max(1, one) // 16 * 16))
        return torch.cat([self(to_float(part)).float() for part in parts(products, size)])
