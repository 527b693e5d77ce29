"""What a sampler is."""

from __future__ import annotations

import numpy as np
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Relevance


class Sampler:
    """Draws the order of an epoch; a batch is the next ``batch_size`` of it.

    Attributes:
        orders: the kinds of relevance whose units it can order.
    """

    orders: tuple[type[Relevance], ...] = (Groups,)

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """Learn what else is known of the training units, once.

        Args:
            products: int64 [sides, n], rows of the catalogue: of one side for products of groups,
                of two for pairs.
        """

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """The units of an epoch.

        Args:
            groups: int64 [n], of the training products; where pairs are trained, their labels.
            generator: the only source of chance, so that an epoch that is resumed is the same.

        Returns:
            int64 [about n], places in ``groups``.
        """
        raise NotImplementedError
