"""Running top-k: the k largest keys of each row of a matrix that arrives in tiles."""

from __future__ import annotations

import torch
from torch import Tensor

# A maximum over 32 neighbouring columns costs a fifteenth of the scores themselves.
GROUP = 32
# Columns per neighbour to see before few enough keys pass the threshold to be picked out.
SEED = 16


class RunningTopk:
    """Exact top-k of rows whose columns arrive in tiles, from left to right.

    Every row has a threshold: its k-th largest key so far. Only larger keys of a new tile matter,
    and soon they are few. The maxima of groups of columns show where they are, so that no selection
    over the whole tile is needed. Such keys are buffered until the buffer of a row is full or the
    number of columns has doubled; then the top k of all rows are selected again.
    Of equal keys, the leftmost are kept, as in a stable sort of the whole row.

    Args:
        rows: number of rows.
        k: number of keys to keep; at least this many columns must be added.
        device: device of the tiles.
    """

    def __init__(self, rows: int, k: int, device: torch.device) -> None:
        self.k = k
        self.room = 2 * k + 32
        self.seen = 0
        # The best k keys in descending order, then the buffered keys in the order of their columns.
        self.keys = torch.full((rows, k + self.room), -torch.inf, device=device)
        self.columns = torch.zeros(rows, k + self.room, dtype=torch.int64, device=device)
        self.waiting = torch.zeros(rows, dtype=torch.int64, device=device)
        self.threshold = torch.full((rows,), -torch.inf, device=device)
        self.selected_at = 0

    def add(self, keys: Tensor) -> None:
        """Add the next tile, float32 [rows, m]; it is not needed afterwards."""
        whole = keys.shape[1] // GROUP * GROUP
        if whole:
            self._add(keys[:, :whole].unflatten(1, (-1, GROUP)))
        if whole < keys.shape[1]:
            self._add(keys[:, whole:, None])

    def _add(self, grouped: Tensor) -> None:
        """Add columns in groups, [rows, groups, size]."""
        maxima = grouped.amax(2)
        if self.seen == 0 and maxima.shape[1] >= 1.5 * self.k:
            # At least k keys are as large as the k-th largest maximum.
            least = maxima.topk(self.k, dim=1, sorted=False).values.amin(1)
            self.threshold = least.nextafter(self.threshold)
            self._let_larger_wait(grouped, maxima)
        elif self.seen < max(1, SEED * self.k):
            self._let_best_wait(grouped.flatten(1), slice(None))
            self._select()
        else:
            if self.seen >= 2 * self.selected_at:
                self._select()
            self._let_larger_wait(grouped, maxima)
        self.seen += maxima.shape[1] * grouped.shape[2]

    def best(self) -> tuple[Tensor, Tensor]:
        """Return keys float32 [rows, k] and columns int64 [rows, k], largest keys first."""
        self._select()
        return self.keys[:, : self.k].contiguous(), self.columns[:, : self.k].contiguous()

    def _let_larger_wait(self, grouped: Tensor, maxima: Tensor) -> None:
        """Buffer the keys above the threshold of their row."""
        rows, columns, found = _above(grouped, maxima, self.threshold)
        counts = torch.bincount(rows, minlength=len(maxima))
        if bool((self.waiting + counts > self.room).any()):
            self._select()
        crowded = counts > self.room
        if bool(crowded.any()):
            self._let_best_wait(grouped[crowded].flatten(1), crowded)
            kept = ~crowded[rows]
            rows, columns, found = rows[kept], columns[kept], found[kept]
            counts[crowded] = 0
        before = counts.cumsum(0) - counts
        places = torch.arange(len(rows), device=rows.device)
        places += (self.k + self.waiting - before)[rows]
        self.keys[rows, places] = found
        self.columns[rows, places] = columns + self.seen
        self.waiting += counts

    def _let_best_wait(self, keys: Tensor, rows: Tensor | slice) -> None:
        """Buffer the k largest keys of each of these rows, whose buffers are empty."""
        found, columns = largest(keys, self.k)
        # Equal keys must be buffered in the order of their columns, which ``largest`` keeps.
        stop = self.k + found.shape[1]
        self.keys[rows, self.k : stop] = found
        self.columns[rows, self.k : stop] = columns + self.seen
        self.waiting[rows] = found.shape[1]

    def _select(self) -> None:
        """Select the best k of all kept keys, which empties the buffers."""
        stop = self.k + int(self.waiting.max())
        if stop == self.k:
            return
        found, places = largest(self.keys[:, :stop], self.k)
        self.columns[:, : self.k] = self.columns[:, :stop].gather(1, places)
        self.keys[:, : self.k] = found
        self.keys[:, self.k : stop] = -torch.inf
        self.threshold = found[:, -1]
        self.waiting.zero_()
        self.selected_at = self.seen


def _above(grouped: Tensor, maxima: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find the keys above the threshold of their row: rows, columns and keys, each [c]."""
    rows, groups = (maxima > threshold[:, None]).nonzero(as_tuple=True)
    # Indexing copies whole groups, far fewer than there are.
    picked = grouped[rows, groups]
    chosen, inside = (picked > threshold[rows, None]).nonzero(as_tuple=True)
    columns = groups[chosen] * grouped.shape[2] + inside
    return rows[chosen], columns, picked[chosen, inside]


def largest(keys: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest keys of each row and their columns; of equal keys the leftmost first.

    Args:
        keys: float32 [b, m].

    Returns:
        Keys float32 and columns int64 [b, min(k, m)], as a stable sort gives them.
    """
    found, columns = keys.topk(min(k + 1, keys.shape[1]), dim=1)
    # ``topk`` does not specify the order of equal keys, nor which of them is the k-th.
    equal = found[:, 1:] == found[:, :-1]
    found, columns = found[:, :k], columns[:, :k]
    tied = equal[:, : k - 1].any(1)
    if bool(tied.any()):
        places, order = columns[tied].sort(dim=1)
        exact = found[tied].gather(1, order).sort(dim=1, descending=True, stable=True)
        found[tied], columns[tied] = exact.values, places.gather(1, exact.indices)
    open_end = equal[:, k - 1 :].any(1)
    if bool(open_end.any()):
        exact = keys[open_end].sort(dim=1, descending=True, stable=True)
        found[open_end], columns[open_end] = exact.values[:, :k], exact.indices[:, :k]
    return found, columns
