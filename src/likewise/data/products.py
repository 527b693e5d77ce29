"""Products as tensors, by modality."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.workers import Workers

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.modalities.base import Reader

# Tensors by modality, with one row per product. Pictures are uint8; token ids are int32, padded
# with 0.
Products = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class StreamedProducts(Mapping[str, Tensor]):
    """Products too many to hold in memory: each use of a modality reads it from the catalogue.

    What is read equals what would be held, so results are the same.

    Attributes:
        catalogue: its rows are read; mapped into memory, it takes none.
        readers: by modality, fitted.
        rows: int64 [n], of these products in the catalogue.
        device: of the tensors.
        workers: read ahead; ``None`` reads in this process.
    """

    catalogue: Dataset
    readers: Mapping[str, Reader]
    rows: np.ndarray
    device: torch.device | str = "cpu"
    workers: Workers | None = None

    def __getitem__(self, modality: str) -> Tensor:
        """All of these products are read: meant for a batch, or for a modality that is small."""
        values = self.readers[modality](self.catalogue, self.rows)
        return _trimmed(values).to(self.device)

    def __iter__(self) -> Iterator[str]:
        return iter(self.readers)

    def __len__(self) -> int:
        return len(self.readers)

    @property
    def ahead(self) -> int:
        """How many batches are read while one is used."""
        return 2 * self.workers.number if self.workers is not None else 0

    def with_workers(self, number: int) -> StreamedProducts:
        """The same, read by a number of processes; by this one for 0."""
        return replace(self, workers=Workers(self.read, number)) if number else self

    def read(self, rows: np.ndarray) -> Products:
        """Rows (int64) of the catalogue as tensors."""
        return dict(replace(self, rows=rows))

    def take(self, rows: Tensor | slice) -> StreamedProducts:
        """Some of them; nothing is read yet."""
        places = rows if isinstance(rows, slice) else rows.cpu().numpy()
        return replace(self, rows=self.rows[places])

    def start(self) -> Callable[[], Products]:
        """Begin to read all of them; what is returned waits for that."""
        if self.workers is None:
            return lambda: dict(self)
        wait = self.workers.start(self.rows)
        return lambda: to_device(wait(), self.device)


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
    if isinstance(products, StreamedProducts):
        return len(products.rows)
    # ``len`` would become a constant where the encoder is exported as a graph.
    return next(iter(products.values())).shape[0]


def take(products: Products, rows: Tensor | slice) -> Products:
    """Select some products; columns of token ids that are padding in all of them are removed."""
    if isinstance(products, StreamedProducts):
        return products.take(rows)
    return {name: _trimmed(values[rows]) for name, values in products.items()}


def parts(products: Products, size: int) -> Iterator[Products]:
    """Yield all products in batches of ``size``."""
    if isinstance(products, StreamedProducts):
        places = (slice(start, start + size) for start in range(0, count(products), size))
        for (part,) in read_ahead(((products.take(rows),) for rows in places), products.ahead):
            yield part
        return
    for start in range(0, count(products), size):
        yield take(products, slice(start, start + size))


def read_ahead(batches: Iterable[tuple[Any, ...]], ahead: int) -> Iterator[tuple[Any, ...]]:
    """The batches with the streamed products in them as tensors.

    Args:
        ahead: batches that are read while one is used.
    """
    waiting: deque[list[Callable[[], Any]]] = deque()
    for batch in batches:
        waiting.append([_started(part) for part in batch])
        if len(waiting) > ahead:
            yield tuple(wait() for wait in waiting.popleft())
    for rest in waiting:
        yield tuple(wait() for wait in rest)


def _started(part: Any) -> Callable[[], Any]:
    return part.start() if isinstance(part, StreamedProducts) else lambda: part


def to_device(products: Products, device: torch.device | str) -> Products:
    """The same on another device."""
    if isinstance(products, StreamedProducts):
        return replace(products, device=device)
    return {name: values.to(device) for name, values in products.items()}


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
