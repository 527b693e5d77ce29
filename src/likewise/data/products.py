"""Products as tensors, by modality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from datasets import Dataset

# By modality, a row a product. Pictures are uint8; token ids int32, 0 where there is none.
Products = Mapping[str, Tensor]


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of products, and where these come from.

    Attributes:
        products: all that stand in a pair, each once.
        left, right: int64 [m], rows of ``products``.
        labels: int64 [m], 1 for a match.
        catalogue: the whole one.
        rows: int64, of ``products`` in the catalogue.
    """

    products: Products
    left: Tensor
    right: Tensor
    labels: Tensor
    catalogue: Dataset
    rows: np.ndarray


def count(products: Products) -> int:
    """How many there are."""
    return len(next(iter(products.values())))


def take(products: Products, rows: Tensor | slice) -> Products:
    """Some of them; what no sequence among these fills is left off its end."""
    return {name: _trimmed(values[rows]) for name, values in products.items()}


def parts(products: Products, size: int) -> Iterator[Products]:
    """All of them, ``size`` at a time."""
    for start in range(0, count(products), size):
        yield take(products, slice(start, start + size))


def to_float(products: Products) -> Products:
    """Pictures as floats in [0, 1]; everything else as it is."""
    return {
        name: values.float().div_(255) if values.dtype == torch.uint8 else values
        for name, values in products.items()
    }


def join(products: Products, others: Products) -> Products:
    """These and behind them those, sequences filled up to one length."""
    return {name: _joined(values, others[name]) for name, values in products.items()}


def _trimmed(values: Tensor) -> Tensor:
    """Token ids without the places at the end that no row fills."""
    if values.dtype != torch.int32:
        return values
    used = (values != 0).flatten(0, -2).any(0).nonzero()
    return values[..., : int(used.max()) + 1 if len(used) else 0]


def _joined(one: Tensor, other: Tensor) -> Tensor:
    length = max(one.shape[-1], other.shape[-1])
    if one.dtype != torch.int32 or one.shape[1:] == other.shape[1:]:
        return torch.cat([one, other])
    widened = [torch.nn.functional.pad(x, (0, length - x.shape[-1])) for x in (one, other)]
    return torch.cat(widened)


def gather_front(ids: Tensor) -> Tensor:
    """Token ids [b, length] with the zeros between them moved behind the last."""
    order = (ids == 0).to(torch.uint8).argsort(dim=1, stable=True)
    return _trimmed(ids.gather(1, order))
