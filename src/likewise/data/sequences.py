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


def epoch_order(
    histories: Histories, batch_size: int, seed: int, epoch: int, together: int = 16
) -> list[np.ndarray]:
    """The batches of an epoch: each person with at least two events once, in a random order.

    Among ``together`` batches people of like length share one, so that little is padding. The order
    depends on the seed and the epoch only.

    Returns:
        int64 [<= batch_size] each, places in the histories.
    """
    generator = np.random.default_rng([seed, epoch])
    lengths = histories.lengths
    people = generator.permutation(np.flatnonzero(lengths >= 2))
    batches = []
    for start in range(0, len(people), batch_size * together):
        some = people[start : start + batch_size * together]
        some = some[np.argsort(lengths[some], kind="stable")]
        batches += [some[at : at + batch_size] for at in range(0, len(some), batch_size)]
    return [batches[place] for place in generator.permutation(len(batches))]
