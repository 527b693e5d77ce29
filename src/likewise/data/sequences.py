"""Histories as padded batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories

PADDING = -1


def padded(histories: Histories, people: np.ndarray, length: int) -> Tensor:
    """The latest products of some people, oldest first, filled up on the right.

    Args:
        people: int64 [b], places in the histories.
        length: at most, the latest events of each person.

    Returns:
        int64 [b, l], catalogue rows and ``PADDING`` (-1) behind them; l is the longest of these.
    """
    lengths = np.minimum(histories.lengths[people], length)
    longest = int(lengths.max(initial=0))
    columns = np.arange(longest)
    filled = columns < lengths[:, None]
    places = np.where(filled, (histories.ends[people] - lengths)[:, None] + columns, 0)
    if not len(histories.products):
        return torch.full((len(people), longest), PADDING)
    return torch.from_numpy(np.where(filled, histories.products[places], PADDING))
