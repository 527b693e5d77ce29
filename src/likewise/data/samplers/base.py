"""What a sampler is."""

from __future__ import annotations

import numpy as np
from torch import Generator, Tensor

from likewise.data.catalogue import ProductData


class Sampler:
    """Draws the order of an epoch; a batch is the next ``batch_size`` of it.

    Attributes:
        orders_pairs: whether it can also order labelled pairs.
    """

    orders_pairs = False

    def prepare(self, data: ProductData, rows: np.ndarray) -> None:
        """Learn what else is known of the training products, ``rows`` (int64 [n]), once."""

    def prepare_pairs(self, left: np.ndarray, right: np.ndarray) -> None:
        """Learn which products the training pairs hold, int64 [n] each, once."""

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """The products of an epoch.

        Args:
            groups: int64 [n], of the training products; where pairs are trained, their labels.
            generator: the only source of chance, so that an epoch that is resumed is the same.

        Returns:
            int64 [about n], places in ``groups``.
        """
        raise NotImplementedError
