"""Products that arrive in steps: whole groups at a time, and a memory of those that came before."""

from __future__ import annotations

import numpy as np

from likewise.errors import LikewiseError


def arrival_steps(groups: np.ndarray, steps: int, base_share: float, seed: int) -> np.ndarray:
    """Draw the step in which each group arrives.

    Args:
        groups: int64 [n], the group of each training product.
        steps: number of steps; the first one, 0, has the base set of groups.
        base_share: share of the groups in the base set. The others arrive in random order, in
            equal numbers per step.
        seed: seed of the random order.

    Returns:
        int64 [largest group + 1]; -1 for numbers without a training product.

    Raises:
        LikewiseError: the base set would have fewer than two groups, or a step none.
    """
    known = np.random.default_rng(seed).permutation(np.unique(groups))
    base = round(base_share * len(known))
    if steps < 2 or base < 2 or len(known) - base < steps - 1:
        raise LikewiseError(
            f"{len(known)} groups cannot arrive in matcher.steps={steps} with "
            f"method.base_share={base_share}: there must be at least 2 steps, at least 2 groups in "
            "the first step and at least 1 in each of the others; change the steps or the share, "
            "or choose data with more groups"
        )
    found = np.full(int(groups.max()) + 1, -1)
    found[known[:base]] = 0
    for step, arriving in enumerate(np.array_split(known[base:], steps - 1), 1):
        found[arriving] = step
    return found


def replay_memory(groups: np.ndarray, size: int, priority: np.ndarray) -> np.ndarray:
    """Choose the products that a memory of bounded size keeps, as evenly over groups as possible.

    Products of a group are taken in the order of their priority, one of each group after another.
    When more groups come, whole groups at a time, the memory only lets go of products: it never
    needs one that it had given up.

    Args:
        groups: int64 [n].
        size: the largest number of products.
        priority: float or int [n], distinct; smaller ones are kept first.

    Returns:
        int64 [at most size], positions in ``groups``, ascending.
    """
    order = np.lexsort((priority, groups))
    _, first, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rank = np.arange(len(groups)) - np.repeat(first, counts)
    return np.sort(order[np.lexsort((priority[order], rank))[:size]])
