"""An approximate index: inverted lists of clusters, by faiss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.errors import LikewiseError
from likewise.index.base import Index

# faiss asks for at least this many training vectors per cluster.
MIN_PER_LIST = 39
# More make the centroids of large catalogues slow to find and hardly better.
MAX_PER_LIST = 64


class IvfIndex(Index):
    """Inverted lists: a query is compared with the products of the nearest clusters only.

    Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011, without
    the quantisation. Clusters are made by ``build`` and do not change; products come and go in
    their lists. HNSW graphs of faiss are no alternative, because nothing can be deleted from them.
    The values of the products that are found are computed by the similarity itself.

    Args:
        num_lists: the number of clusters; ``None`` for 4 √n of n products at ``build``.
        num_probes: the number of clusters that a query is compared with.

    Raises:
        LikewiseError: faiss is not installed.
    """

    def __init__(self, num_lists: int | None = None, num_probes: int = 64) -> None:
        if (num_lists is not None and num_lists < 1) or num_probes < 1:
            raise LikewiseError(
                f"index.num_lists={num_lists} and num_probes={num_probes} must be at least 1"
            )
        try:
            import faiss
        except ImportError as error:
            raise LikewiseError(
                "index=ivf needs the package faiss-cpu; install it, or use index=exact"
            ) from error
        self._faiss: Any = faiss
        self.num_lists, self.num_probes = num_lists, num_probes
        self._index: Any = None
        self._lists = 0

    def delete(self, keys: np.ndarray) -> None:
        """See ``Index``."""
        self._index.remove_ids(np.unique(keys).astype(np.int64))

    def __len__(self) -> int:
        """See ``Index``."""
        return 0 if self._index is None else self._index.ntotal

    @property
    def num_bytes(self) -> int:
        """See ``Index``: embeddings and keys, centroids, and the table of positions by key."""
        # A node of the hash table has a pointer, a hash, a key and a position; a bucket a pointer.
        table = len(self) * (4 + 1) * 8
        return len(self) * (4 * self._index.d + 8) + self._lists * 4 * self._index.d + table

    def _build(self, keys: np.ndarray, embeddings: Tensor) -> None:
        metrics = {
            "inner_product": self._faiss.METRIC_INNER_PRODUCT,
            "euclidean": self._faiss.METRIC_L2,
        }
        if self.measure.geometry is None:
            raise LikewiseError(
                f"index=ivf cannot search by similarity={self.measure.name}; use index=exact"
            )
        count, size = embeddings.shape
        wanted = self.num_lists or round(4 * math.sqrt(count))
        self._lists = max(1, min(wanted, count // MIN_PER_LIST))
        metric = metrics[self.measure.geometry]
        self._index = self._faiss.index_factory(size, f"IVF{self._lists},Flat", metric)
        self._index.cp.max_points_per_centroid = MAX_PER_LIST
        rows = embeddings.cpu().numpy()
        # Without any product, one cluster around the origin takes those to come.
        self._index.train(rows if count else np.zeros((1, size), np.float32))
        # Finds the list of a key, for deletions.
        self._index.set_direct_map_type(self._faiss.DirectMap.Hashtable)
        self._index.add_with_ids(rows, keys)

    def _upsert(self, keys: np.ndarray, embeddings: Tensor) -> None:
        self.delete(keys)
        self._index.add_with_ids(embeddings.cpu().numpy(), keys)

    def _search(self, queries: Tensor, k: int) -> tuple[Tensor, np.ndarray]:
        self._index.nprobe = min(self.num_probes, self._lists)
        _, keys = self._index.search(queries.cpu().numpy(), k)
        values = torch.full(keys.shape, torch.nan)
        there = keys >= 0
        found = torch.from_numpy(self._index.reconstruct_batch(keys[there]))
        asked = queries.cpu().repeat_interleave(torch.from_numpy(there.sum(1)), 0)
        values[torch.from_numpy(there)] = self.measure.pairs(asked, found)
        return values, keys
