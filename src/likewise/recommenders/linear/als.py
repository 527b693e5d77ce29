"""Factors of people and products by alternating least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender, least_for
from likewise.recommenders.linear.implicit_library import implicit

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Als(FittedRecommender):
    """Weighted matrix factorisation; the factors of a person are solved for from any history.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, by
    the library implicit. With the item factors Y [n, k] fixed, a person who had the products H has
    x = (YᵀY + (c - 1) Y_HᵀY_H + l2 I)⁻¹ c Σ Y_H (its equation 4), so strangers are served too, and
    only the item factors are kept.

    Args:
        factors: k.
        l2: the regularisation λ.
        confidence: c, of a product that a person had; that of the others is 1.
        iterations: passes over people and products.
    """

    items: Tensor
    gram: Tensor

    def __init__(
        self, factors: int = 128, l2: float = 1.0, confidence: float = 10.0, iterations: int = 15
    ) -> None:
        super().__init__()
        if factors < 1 or iterations < 1 or not l2 > 0 or not confidence >= 1:
            raise LikewiseError(
                f"recommender.factors={factors}, recommender.iterations={iterations} and "
                f"recommender.confidence={confidence} must be at least 1, and recommender.l2={l2} "
                "above 0"
            )
        self.factors, self.l2 = factors, l2
        self.confidence, self.iterations = confidence, iterations
        self.register_buffer("items", torch.empty(0, 0))
        self.register_buffer("gram", torch.empty(0, 0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        model = implicit("als").AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.l2,
            iterations=self.iterations,
            use_cg=False,
            use_gpu=False,
            random_state=seed,
        )
        model.fit(self.confidence * table, show_progress=False)
        self.items = torch.from_numpy(np.array(model.item_factors))
        self.items[torch.from_numpy(np.diff(table.tocsc().indptr) == 0)] = 0
        self.gram = self.items.T @ self.items

    def people(self, histories: Histories) -> Tensor:
        """float32 [u, k], the factors of each person; zeros for an empty history."""
        items, c = self.items, self.confidence
        table = histories.matrix(len(items))
        ridge = self.gram + self.l2 * torch.eye(len(self.gram), device=items.device)
        found = items.new_zeros(len(histories), items.shape[1])
        for person in range(len(histories)):
            rows = table.indices[table.indptr[person] : table.indptr[person + 1]]
            had = items[torch.from_numpy(rows).long().to(items.device)]
            found[person] = torch.linalg.solve(ridge + (c - 1) * had.T @ had, c * had.sum(0))
        return found

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        found = self.people(histories) @ self.items.T
        return least_for(found, (self.items == 0).all(1))
