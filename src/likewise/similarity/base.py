"""The base class of similarities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from pytorch_metric_learning.distances import BaseDistance


class UnusableInput(LikewiseError, ValueError):
    """Raised for embeddings, groups or options that cannot be used."""


class Similarity(ABC):
    """A similarity or distance between embeddings.

    Attributes:
        name: its name in the config.
        larger_is_closer: ``False`` for a distance.
        domain: ``nonnegative`` if embeddings must have no negative components.
        keys_are_values: whether ``ranking`` returns the natural values, up to the sign.
        geometry: how prepared embeddings rank, by their inner product or by their Euclidean
            distance; ``None`` if by neither. With ``inner_product`` the value is this product, and
            preparing only scales embeddings.
    """

    name: str
    larger_is_closer: bool = True
    domain: Literal["real", "nonnegative"] = "real"
    keys_are_values: bool = True
    geometry: Literal["inner_product", "euclidean"] | None = None

    def prepare(self, x: Tensor) -> Tensor:
        """Prepare embeddings, float [n, d] to float32 [n, d], once before they are compared.

        Raises:
            UnusableInput: a ``ValueError``, for embeddings with NaN or infinity.
        """
        if x.ndim != 2:
            raise UnusableInput(f"embeddings must be [n, d], not {list(x.shape)}")
        x = x.float()
        # If x has NaN or infinity, so do its extremes, which need no copy of x.
        if x.numel() and not torch.stack(x.aminmax()).isfinite().all():
            raise UnusableInput("embeddings hold NaN or infinity; train with a lower learning rate")
        return x

    @abstractmethod
    def block(self, a: Tensor, b: Tensor) -> Tensor:
        """Return natural values [n, m] between prepared embeddings [n, d] and [m, d]."""

    def ranking(self, a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
        """Return keys [n, m] that rank ``b`` for each row of ``a``; larger is closer.

        Args:
            out: float32 [n, m] that may hold the keys, so that a search block by block allocates
                them once; the C library's heap fragments under many equal large allocations.
        """
        return self.block(a, b) if self.larger_is_closer else -self.block(a, b)

    def pairs(self, a: Tensor, b: Tensor) -> Tensor:
        """Return natural values [...] of pairs of prepared embeddings, both [..., d].

        This default takes the diagonal of small blocks; subclasses can be faster.
        """
        left, right = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
        parts = zip(left.split(32), right.split(32), strict=True)
        values = [self.block(x, y).diagonal() for x, y in parts]
        return torch.cat(values).reshape(a.shape[:-1])

    def matrix(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return natural values [n, m] between ``x`` and ``y``, or between ``x`` and itself."""
        a = self.prepare(x)
        return self.block(a, a if y is None else self.prepare(y))

    @abstractmethod
    def distance(self) -> BaseDistance:
        """Return the same measure for the losses and miners of pytorch-metric-learning."""
