"""The k largest keys of each row, while the columns pass by in tiles."""

from __future__ import annotations

import torch
from torch import Tensor

# A maximum over 32 neighbouring columns costs a fifteenth of the scores themselves.
GROUP = 32
# Columns per neighbour to see before few enough keys pass the threshold to be picked out.
SEED = 16


class RunningTopk:
    """Exact top-k of rows whose columns arrive in tiles, from left to right.

    Every row has a threshold, its k-th largest key so far. Only larger keys of a tile matter, and
    soon there are few: the maxima of groups of columns tell where, and spare the tile a selection.
    Such keys wait in spare places until one row has no more of them; then all rows select anew.
    Of equal keys the leftmost win, as in a stable sort of the whole row.

    Args:
        rows: how many.
        k: how many keys to keep; at least so many columns must come.
        device: of the tiles.
    """

    def __init__(self, rows: int, k: int, device: torch.device) -> None:
        self.k = k
        self.room = 2 * k + 32
        self.seen = 0
        # First the best k, largest first, then those that wait, in the order of their columns.
        self.keys = torch.full((rows, k + self.room), -torch.inf, device=device)
        self.columns = torch.zeros(rows, k + self.room, dtype=torch.int64, device=device)
        self.waiting = torch.zeros(rows, dtype=torch.int64, device=device)

    def add(self, keys: Tensor) -> None:
        """Look at the next tile, float32 [rows, m]; it is not needed afterwards."""
        if self.seen == 0:
            found, columns = largest(keys, self.k)
            self.keys[:, : found.shape[1]] = found
            self.columns[:, : found.shape[1]] = columns
        elif self.seen < SEED * self.k:
            self._let_best_wait(keys, slice(None))
            self._select()
        else:
            self._let_larger_wait(keys)
        self.seen += keys.shape[1]

    def best(self) -> tuple[Tensor, Tensor]:
        """Keys float32 [rows, k] and columns int64 [rows, k], largest first."""
        self._select()
        return self.keys[:, : self.k].contiguous(), self.columns[:, : self.k].contiguous()

    def _let_larger_wait(self, keys: Tensor) -> None:
        """Keep the keys above the threshold of their row."""
        rows, columns, found = _above(keys, self.keys[:, self.k - 1])
        counts = torch.bincount(rows, minlength=len(keys))
        if bool((self.waiting + counts > self.room).any()):
            self._select()
        crowded = counts > self.room
        if bool(crowded.any()):
            self._let_best_wait(keys, crowded)
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
        """Keep the k largest keys of some rows, in which nothing waits."""
        found, columns = largest(keys[rows], self.k)
        # Equal keys must wait in the order of their columns, which ``largest`` keeps.
        stop = self.k + found.shape[1]
        self.keys[rows, self.k : stop] = found
        self.columns[rows, self.k : stop] = columns + self.seen
        self.waiting[rows] = found.shape[1]

    def _select(self) -> None:
        """The best of all that is kept; then nothing waits."""
        stop = self.k + int(self.waiting.max())
        if stop == self.k:
            return
        found, places = largest(self.keys[:, :stop], self.k)
        self.columns[:, : self.k] = self.columns[:, :stop].gather(1, places)
        self.keys[:, : self.k] = found
        self.keys[:, self.k : stop] = -torch.inf
        self.waiting.zero_()


def _above(keys: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and keys [c] above the threshold of the row, row by row, left to right."""
    group = GROUP if keys.shape[1] % GROUP == 0 else 1
    grouped = keys.unflatten(1, (-1, group))
    rows, groups = (grouped.amax(2) > threshold[:, None]).nonzero(as_tuple=True)
    # Indexing copies whole groups, far fewer than there are.
    picked = grouped[rows, groups]
    chosen, inside = (picked > threshold[rows, None]).nonzero(as_tuple=True)
    return rows[chosen], groups[chosen] * group + inside, picked[chosen, inside]


def largest(keys: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row, or all, and their columns; of equal keys the leftmost first.

    Args:
        keys: float32 [b, m].

    Returns:
        Keys float32 and columns int64 [b, min(k, m)], as a stable sort gives them.
    """
    found, columns = keys.topk(min(k + 1, keys.shape[1]), dim=1)
    # ``topk`` leaves open which of equal keys comes first, and which is the k-th.
    tied = (found[:, 1:] == found[:, :-1]).any(1)
    found, columns = found[:, :k], columns[:, :k]
    if bool(tied.any()):
        exact = keys[tied].sort(dim=1, descending=True, stable=True)
        found[tied], columns[tied] = exact.values[:, :k], exact.indices[:, :k]
    return found, columns
