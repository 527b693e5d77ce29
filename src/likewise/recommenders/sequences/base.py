"""What recommenders share that read a sequence and are trained on the next product."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.products import to_device
from likewise.data.sequences import PADDING, padded
from likewise.errors import LikewiseError
from likewise.recommenders.base import Recommender
from likewise.recommenders.sequences.product_vectors import ProductVectors

if TYPE_CHECKING:
    from likewise.data.module import ProductModule
    from likewise.encoders.base import Encoder


class SequenceRecommender(Recommender):
    """Scores a product by its vector times the state after the latest event.

    A subclass writes ``states``.

    Args:
        products: the vectors, which are read and scored.
        length: events of a person that are read, the latest.
        encoder: of the content of products; ``None`` for none.
    """

    reads_order = True
    # With an encoder; without one, a product has a vector of its own, which only events teach.
    knows_new_products = True

    trained_by = "sequence"
    encoder_use = "optional"

    def __init__(
        self, products: ProductVectors, length: int = 50, encoder: Encoder | None = None
    ) -> None:
        super().__init__()
        if length < 1:
            raise LikewiseError(f"recommender.length={length} must be at least 1")
        if encoder is not None:
            products.use(encoder)
        if products.own is None and products.encoder is None:
            raise LikewiseError(
                "recommender.products.own=false leaves products without vectors; choose an "
                "encoder of their content, such as encoder=attributes"
            )
        self.products, self.length, self.encoder = products, length, products.encoder

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``."""
        if self.encoder is not None:
            self.products.hold(to_device(module.products, self.device))

    @abstractmethod
    def states(self, vectors: Tensor) -> Tensor:
        """Product vectors float [b, l, d], oldest first, to states float [b, l, d].

        A state depends on no later vector, so that padding on the right changes nothing.
        """

    def forward(self, sequences: Tensor) -> Tensor:
        """Sequences int64 [b, l], padded on the right with -1, to states float [b, l, d].

        The state of a place that is padding means nothing.
        """
        filled = sequences != PADDING
        return self.states(self.products(sequences.clamp(min=0)) * filled[..., None])

    @torch.no_grad()
    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``; an empty history scores 0 for all products."""
        self.eval()
        table = self.products.all()
        sequences = padded(histories, np.arange(len(histories)), self.length).to(table.device)
        if not sequences.shape[1]:
            return table.new_zeros(len(sequences), len(table))
        lengths = (sequences != PADDING).sum(1)
        last = self(sequences)[torch.arange(len(sequences)), (lengths - 1).clamp(min=0)]
        return (last * (lengths > 0)[:, None]) @ table.T
