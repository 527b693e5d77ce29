"""Weights that are learned from held-out training events."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError


def hold_out(
    histories: Histories, most: int, seed: int, among: np.ndarray | None = None
) -> tuple[Histories, Histories, Tensor]:
    """Take the latest event of some people away.

    Args:
        most: number of people, at most.
        seed: of the draw of people.
        among: bool [u], the people who may be drawn; ``None`` for all.

    Returns:
        The histories without these events; those of the people alone; their events, int64 [p].
    """
    several = histories.lengths >= 2
    able = np.flatnonzero(several if among is None else several & among)
    if not len(able):
        raise LikewiseError(
            "learned weights need people with at least two training events, of which one is held "
            "out"
        )
    chosen = np.sort(np.random.default_rng(seed).permutation(able)[:most])
    last = histories.ends[chosen] - 1
    lengths = histories.lengths
    lengths[chosen] -= 1
    kept = np.delete(histories.products, last)
    earlier = Histories(kept, np.cumsum(lengths), histories.users)
    of_chosen = np.isin(earlier.people, chosen)
    users = None if histories.users is None else histories.users[chosen]
    asked = Histories(kept[of_chosen], np.cumsum(lengths[chosen]), users)
    return earlier, asked, torch.from_numpy(histories.products[last])


def fit_logit(features: Tensor, penalty: float) -> Tensor:
    """Weights float32 [k] that make the first of c candidates the likeliest (conditional logit).

    McFadden, "Conditional Logit Analysis of Qualitative Choice Behavior", 1974.

    Args:
        features: float32 [m, c, k].
        penalty: of the squared weights.
    """
    weights = torch.zeros(features.shape[2], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = -torch.log_softmax(features @ weights, 1)[:, 0].mean()
        loss = loss + penalty * weights.square().sum()
        with torch.enable_grad():
            loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    return weights.detach()
