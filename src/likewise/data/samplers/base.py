"""The base class of samplers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Relevance


class Sampler(ABC):
    """Draws the order of the training units in an epoch; each batch takes the next ones.

    Attributes:
        orders: the kinds of relevance whose units it can order.
    """

    orders: tuple[type[Relevance], ...] = (Groups,)

    def prepare(self, data: ProductData, products: np.ndarray) -> None:
        """Receive further data on the training units, once before training.

        Args:
            products: int64 [sides, n], rows of the catalogue; one side for single products, two
                for pairs.
        """

    @abstractmethod
    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """Return the order of the units in an epoch.

        Args:
            groups: int64 [n], the groups of the training products, or the labels of training
                pairs.
            generator: the only source of random numbers, so that a resumed epoch is the same.

        Returns:
            int64 [about n], positions in ``groups``.
        """
