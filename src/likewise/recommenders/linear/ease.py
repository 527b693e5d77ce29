"""EASE^R: the linear model that best rebuilds histories without a product predicting itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.memory import check_memory
from likewise.errors import LikewiseError
from likewise.recommenders.base import least_for
from likewise.recommenders.counting import Counting, count_both
from likewise.recommenders.item_to_item import ItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Ease(ItemToItem, Counting):
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
        check_dense(len(data.catalogue))
        table = histories.matrix(len(data.catalogue))
        self.weigh(table.T @ table, histories)

    def count(self, histories: Histories, new: np.ndarray, size: int) -> csr_matrix:
        """See ``Counting``."""
        return count_both(histories, new, size)

    def weigh(self, counts: csr_matrix, histories: Histories) -> None:
        """See ``Counting``; the costly part is the inverse, of the order of n³.

        Raises:
            LikewiseError: see ``fit``.
        """
        check_dense(counts.shape[0])
        gram = torch.from_numpy(counts.toarray())
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


def check_dense(size: int) -> None:
    """Refuse more products than three dense matrices [size, size] have memory for."""
    check_memory(
        3 * 4 * size**2,
        f"recommender=ease for {size:,} products",
        "recommender=slim and recommender=item_knn keep sparse weights",
    )
