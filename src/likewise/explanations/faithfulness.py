"""How well the order of contributions predicts what the model does without some units."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr

from likewise.explanations.pair import ProductPair
from likewise.matchers.base import Matcher

# Equal steps from all units to none.
STEPS = 10


@dataclass(frozen=True)
class RemovalCurves:
    """Scores of pairs while units are taken away, or put back, in the order of their contributions.

    Attributes:
        deletion, insertion: float64 [m, STEPS + 1], the units of the largest contributions first.
        random_deletion, random_insertion: the same, the mean of random orders.
        scale: the standard deviation of the scores of all pairs of the split.
        correlation: float64 [m], Spearman's correlation of the contributions with those of the
            model with shuffled weights; NaN where there is none.
    """

    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    scale: float
    correlation: np.ndarray


def kept_units(order: np.ndarray, insert: bool) -> np.ndarray:
    """Return the units that are left at each step, bool [STEPS + 1, units].

    Args:
        order: int64 [units], the units as they are deleted, or inserted.
        insert: start with no unit, not with all.
    """
    count = len(order)
    numbers = np.round(np.arange(STEPS + 1) / STEPS * count).astype(int)
    rank = np.empty(count, dtype=int)
    rank[order] = np.arange(count)
    reached = rank[None] < numbers[:, None]
    return reached if insert else ~reached


def removal_curves(
    pair: ProductPair, values: np.ndarray, random_orders: int, generator: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Return deletion, insertion, and the means of both over random orders, [STEPS + 1] each.

    Units of one product are removed while the other one stays whole, as two empty products would be
    equal; the curves are the mean of both products.
    """
    curves = np.zeros((1 + random_orders, 2, STEPS + 1))
    first = 0
    for side in pair.sides:
        own = slice(first, first + len(side))
        first += len(side)
        best = np.argsort(-values[own], kind="stable")
        orders = [best, *(generator.permutation(len(side)) for _ in range(random_orders))]
        masks = [kept_units(order, insert) for order in orders for insert in (False, True)]
        kept = np.ones((len(masks) * (STEPS + 1), len(pair.units)), dtype=bool)
        kept[:, own] = np.concatenate(masks)
        curves += pair.scores(kept).reshape(curves.shape) / 2
    return curves[0, 0], curves[0, 1], curves[1:, 0].mean(0), curves[1:, 1].mean(0)


def with_shuffled_weights(scorer: Matcher, seed: int) -> Matcher | None:
    """Return a copy whose weights are shuffled within each tensor; ``None`` if it has no weights.

    Shuffling keeps the size of the weights and removes what was learned (after the model parameter
    randomisation test of Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
    """
    made = copy.deepcopy(scorer)
    generator = torch.Generator().manual_seed(seed)
    parameters = list(made.parameters())
    with torch.no_grad():
        for parameter in parameters:
            order = torch.randperm(parameter.numel(), generator=generator)
            shuffled = parameter.flatten()[order.to(parameter.device)]
            parameter.copy_(shuffled.view_as(parameter))
    return made if parameters else None


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's correlation; NaN if one side is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)
