"""Bernoulli Thompson sampling with a fixed posterior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from likewise.data.contexts import Contexts
from likewise.errors import LikewiseError
from likewise.policies.base import Policy

BLOCK = 10_000


class ThompsonSampling(Policy):
    """Shows the products with the highest click rates drawn from Beta(alpha, beta), best first.

    A product's probability at the k-th position is that of having the k-th highest draw (Chapelle
    and Li, "An Empirical Evaluation of Thompson Sampling", NIPS 2011). It is estimated from many
    draws, and a product that no draw shows at a position has probability 0 there.

    Args:
        alpha, beta: the parameters of each product, in the order of the catalogue.
        positions: number of positions, which are numbered from 1.
        draws: number of draws of all products.
        seed: of the draws, so that the policy is the same in each run.
    """

    trained_by = "none"
    shares: Tensor

    def __init__(
        self,
        alpha: Sequence[float],
        beta: Sequence[float],
        positions: int = 3,
        draws: int = 100_000,
        seed: int = 0,
    ) -> None:
        super().__init__()
        a, b = np.asarray(alpha, np.float64), np.asarray(beta, np.float64)
        if len(a) != len(b) or not ((a > 0).all() and (b > 0).all()):
            raise LikewiseError("alpha and beta must be above 0, one of each for every product")
        if not 1 <= positions <= len(a) or draws < 1:
            raise LikewiseError(
                f"positions={positions} must be from 1 to {len(a)}, and draws={draws} at least 1"
            )
        self.register_buffer("shares", torch.from_numpy(_shares(a, b, positions, draws, seed)))

    def logits(self, contexts: Contexts) -> Tensor:
        """See ``Policy``.

        Raises:
            LikewiseError: the policy is of another catalogue, or has no such position.
        """
        positions, products = self.shares.shape
        if contexts.links.shape[1] != products:
            raise LikewiseError(
                f"this policy chooses among {products} products, and the catalogue has "
                f"{contexts.links.shape[1]}"
            )
        if ((contexts.position < 1) | (contexts.position > positions)).any():
            raise LikewiseError(f"this policy has the positions 1 to {positions}")
        return self.shares[contexts.position - 1].log()


def _shares(
    alpha: np.ndarray, beta: np.ndarray, positions: int, draws: int, seed: int
) -> np.ndarray:
    """float32 [positions, n]: how often each product had the k-th highest draw."""
    generator = np.random.default_rng(seed)
    counts = np.zeros((positions, len(alpha)))
    for start in range(0, draws, BLOCK):
        size = min(BLOCK, draws - start), len(alpha)
        best = np.argsort(-generator.beta(alpha, beta, size), axis=1)[:, :positions]
        for position, products in enumerate(best.T):
            counts[position] += np.bincount(products, minlength=len(alpha))
    return (counts / draws).astype(np.float32)
