"""EASE^R: the linear model that best rebuilds histories without a product predicting itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.memory import check_memory
from likewise.errors import LikewiseError
from likewise.recommenders.base import least_for
from likewise.recommenders.item_to_item import ItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Ease(ItemToItem):
    """Least squares with a zero diagonal, in closed form.

    Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: with the binary table X
    [u, n] and P = (XᵀX + l2 I)⁻¹, the weights are B = I - P diag(1 / diag P) (its equation 8).
    They are dense, so the catalogue may have some 20,000 products.

    Args:
        l2: the regularisation λ; between 100 and 1,000 for most data sets.
        recent, decay: of the history, see ``ItemToItem``.
    """

    weights: Tensor
    unknown: Tensor

    def __init__(self, l2: float = 300.0, recent: int = 0, decay: float = 1.0) -> None:
        super().__init__(recent, decay)
        if not l2 > 0:
            raise LikewiseError(f"recommender.l2={l2} must be above 0")
        self.l2 = l2
        self.register_buffer("weights", torch.empty(0, 0))
        self.register_buffer("unknown", torch.empty(0, dtype=torch.bool))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``.

        Raises:
            LikewiseError: where three dense float32 matrices [n, n] do not fit into memory.
        """
        size = len(data.catalogue)
        check_memory(
            3 * 4 * size**2,
            f"recommender=ease for {size:,} products",
            "recommender=slim and recommender=item_knn keep sparse weights",
        )
        table = histories.matrix(size)
        gram = torch.from_numpy((table.T @ table).toarray())
        self.unknown = gram.diagonal() == 0
        gram.diagonal().add_(self.l2)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        del gram
        self.weights = inverse.div_(-inverse.diagonal().clone())
        self.weights.fill_diagonal_(0)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        weights = self.weights.cpu()
        found = self.weighted(histories, len(weights)) @ weights.numpy()
        return least_for(torch.from_numpy(found), self.unknown.cpu())
