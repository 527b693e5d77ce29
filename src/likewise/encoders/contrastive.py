"""A base encoder with the projection head of self-supervised contrastive learning."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products
from likewise.encoders.base import Encoder, TokenTable


class Contrastive(Encoder):
    """SimCLR: the loss is computed on a projection of the embedding; inference uses the embedding.

    Chen, Kornblith, Norouzi and Hinton, "A Simple Framework for Contrastive Learning of Visual
    Representations", ICML 2020 (section 4.2 explains why the projection is discarded).

    Args:
        base: any encoder.
        projection_size: number of dimensions of the projection.
    """

    trained_by = "contrastive"

    def __init__(self, base: Encoder, projection_size: int = 64) -> None:
        super().__init__(base.embedding_size, base.nonnegative)
        self.modality = base.modality
        self.base = base
        self.projection = nn.Sequential(
            nn.Linear(base.embedding_size, base.embedding_size),
            nn.ReLU(),
            nn.Linear(base.embedding_size, projection_size),
        )

    @property
    def is_linear(self) -> bool:
        """See ``Encoder``."""
        return self.base.is_linear

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``."""
        return [table.inside("base") for table in self.base.token_tables()]

    @property
    def inference_module(self) -> nn.Module:
        """The base encoder."""
        return self.base

    def forward(self, products: Products | Tensor) -> Tensor:
        """Return the embedding of the base encoder, float [b, embedding_size]."""
        return self.base(products)

    def project(self, products: Products | Tensor) -> Tensor:
        """Return the projection on which the loss is computed, float [b, projection_size]."""
        projected = self.projection(self.base(products))
        return F.softplus(projected) if self.nonnegative else projected
