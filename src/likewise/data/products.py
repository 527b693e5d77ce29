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

# Tensors by modality, with one row per product. Pictures are uint8; token ids are int32, padded
# with 0.
Products = Mapping[str, Tensor]


@dataclass(frozen=True)
class LabelledPairs:
    """Labelled pairs of products, and the catalogue they come from.

    Attributes:
        products: every product that is in a pair, once.
        left, right: int64 [m], the rows in ``products`` of each pair.
        labels: int64 [m], 1 for a match.
        catalogue: the whole catalogue.
        rows: int64, the rows of ``products`` in the catalogue.
    """

    products: Products
    left: Tensor
    right: Tensor
    labels: Tensor
    catalogue: Dataset
    rows: np.ndarray


def count(products: Products) -> int:
    """Return the number of products."""
    return len(next(iter(products.values())))


def take(products: Products, rows: Tensor | slice) -> Products:
    """Select some products; columns of token ids that are padding in all of them are removed."""
    return {name: _trimmed(values[rows]) for name, values in products.items()}


def parts(products: Products, size: int) -> Iterator[Products]:
    """Yield all products in batches of ``size``."""
    for start in range(0, count(products), size):
        yield take(products, slice(start, start + size))


def to_float(products: Products) -> Products:
    """Convert pictures to floats in [0, 1]; other tensors are not changed."""
    return {
        name: values.float().div_(255) if values.dtype == torch.uint8 else values
        for name, values in products.items()
    }


def join(products: Products, others: Products) -> Products:
    """Concatenate two batches of products; token ids are padded to one length."""
    return {name: _joined(values, others[name]) for name, values in products.items()}


def _trimmed(values: Tensor) -> Tensor:
    """Remove the columns at the end that are padding in all rows of token ids."""
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
    """Move the zeros between token ids [b, length] to the end of each row."""
    order = (ids == 0).to(torch.uint8).argsort(dim=1, stable=True)
    return _trimmed(ids.gather(1, order))
