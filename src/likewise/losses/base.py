"""The base class of losses on labelled pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class PairLoss(nn.Module, ABC):
    """A loss on the scores that a matcher gives labelled pairs."""

    @abstractmethod
    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            scores: float [b], larger for more similar.
            labels: int64 [b], 1 for a match and 0 otherwise.
        """
