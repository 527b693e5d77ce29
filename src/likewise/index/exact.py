"""An exact index, which compares a query with all products."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from likewise.index.base import Index
from likewise.similarity.topk import iter_topk, natural_values


class ExactIndex(Index):
    """Compares each query with all products, in blocks, for any similarity.

    Embeddings lie densely in one buffer: the last one moves to the position of a deleted one, so
    that an update takes time in proportion to its own size only.
    """

    def __init__(self) -> None:
        self._count = 0
        self._keys = np.empty(0, np.int64)
        self._embeddings = torch.empty(0, 0)
        # The position of each key; -1 where there is no such product.
        self._positions = np.empty(0, np.int64)

    def delete(self, keys: np.ndarray) -> None:
        """See ``Index``."""
        for position in sorted(self._known(keys).tolist(), reverse=True):
            last = self._count - 1
            self._positions[self._keys[last]] = position
            self._positions[self._keys[position]] = -1
            self._keys[position] = self._keys[last]
            self._embeddings[position] = self._embeddings[last]
            self._count = last

    def __len__(self) -> int:
        """See ``Index``."""
        return self._count

    @property
    def num_bytes(self) -> int:
        """See ``Index``."""
        return self._embeddings.nbytes + self._keys.nbytes + self._positions.nbytes

    def _build(self, keys: np.ndarray, embeddings: Tensor) -> None:
        self._count = len(keys)
        self._keys, self._embeddings = keys.copy(), embeddings.clone()
        self._positions = np.full(keys.max(initial=-1) + 1, -1, np.int64)
        self._positions[keys] = np.arange(len(keys))

    def _upsert(self, keys: np.ndarray, embeddings: Tensor) -> None:
        self._positions = _grown(self._positions, int(keys.max()) + 1, -1)
        new = np.flatnonzero(self._positions[keys] < 0)
        stop = self._count + len(new)
        if stop > len(self._keys):
            # Twice the size, so that copying the buffer is rare.
            self._keys = _grown(self._keys, 2 * stop, -1)
            larger = torch.empty(2 * stop, embeddings.shape[1], device=embeddings.device)
            larger[: self._count] = self._embeddings[: self._count]
            self._embeddings = larger
        self._positions[keys[new]] = np.arange(self._count, stop)
        self._keys[self._count : stop] = keys[new]
        self._embeddings[torch.from_numpy(self._positions[keys])] = embeddings
        self._count = stop

    def _search(self, queries: Tensor, k: int) -> tuple[Tensor, np.ndarray]:
        among = self._embeddings[: self._count]
        k = min(k, self._count)
        values = torch.empty(len(queries), k)
        positions = np.empty((len(queries), k), np.int64)
        for start, keys, found in iter_topk(queries, among, self.measure, k):
            stop = start + len(keys)
            values[start:stop] = natural_values(
                queries[start:stop], among, self.measure, keys, found
            )
            positions[start:stop] = found.cpu().numpy()
        return values, self._keys[positions]

    def _known(self, keys: np.ndarray) -> np.ndarray:
        """The positions of those keys that are there, int64, each once."""
        inside = np.unique(keys[(keys >= 0) & (keys < len(self._positions))])
        positions = self._positions[inside]
        return positions[positions >= 0]


def _grown(values: np.ndarray, size: int, fill: int) -> np.ndarray:
    """Return an array of at least ``size`` values."""
    if len(values) >= size:
        return values
    larger = np.full(max(size, 2 * len(values)), fill, values.dtype)
    larger[: len(values)] = values
    return larger
