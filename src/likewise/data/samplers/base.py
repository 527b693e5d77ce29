"""What a sampler is."""

from __future__ import annotations

from typing import Protocol

from torch import Generator, Tensor


class Sampler(Protocol):
    """Draws the order of an epoch; a batch is the next ``batch_size`` of it."""

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """The products of an epoch.

        Args:
            groups: int64 [n], of the training products.
            generator: the only source of chance, so that an epoch that is resumed is the same.

        Returns:
            int64 [about n], places in ``groups``.
        """
        ...
