"""Products that the same people had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import Recommender
from likewise.recommenders.neighbours import keep_largest
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData

MEASURES = ("cosine", "jaccard", "lift")


class ItemKnn(Recommender):
    """Scores a product by how alike its buyers are to those of the products of the history.

    Sarwar, Karypis, Konstan and Riedl, "Item-based Collaborative Filtering Recommendation
    Algorithms", WWW 2001; Deshpande and Karypis, "Item-based Top-N Recommendation Algorithms", TOIS
    2004.

    Args:
        measure: between the people of two products, of which c had both, a the one and b the other:
            ``cosine`` c / √(a b), ``jaccard`` c / (a + b - c), ``lift`` c u / (a b) among u people.
        neighbours: most alike products that are kept of each; 0 for all.
        shrinkage: added to the denominator, against products that few people had.
    """

    def __init__(
        self, measure: str = "cosine", neighbours: int = 0, shrinkage: float = 0.0
    ) -> None:
        super().__init__()
        if measure not in MEASURES:
            raise LikewiseError(
                f"recommender.measure={measure} must be one of {', '.join(MEASURES)}"
            )
        if neighbours < 0 or not shrinkage >= 0:
            raise LikewiseError(
                f"recommender.neighbours={neighbours} and shrinkage={shrinkage} must be at least 0"
            )
        self.measure, self.neighbours, self.shrinkage = measure, neighbours, shrinkage
        self.alike = SparseMatrix()

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        both = (table.T @ table).tocsr()
        alike = _measured(both, self.measure, len(histories), self.shrinkage)
        self.alike.set(keep_largest(alike, self.neighbours))

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        alike = self.alike.get()
        found = histories.matrix(alike.shape[0]) @ alike
        return torch.from_numpy(found.toarray())


def _measured(both: csr_matrix, measure: str, people: int, shrinkage: float) -> csr_matrix:
    """float32 [n, n] from the counts of people who had both products, without the diagonal."""
    alone = both.diagonal()
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    a, b = alone[rows], alone[both.indices]
    below = {"cosine": np.sqrt(a * b), "jaccard": a + b - both.data, "lift": a * b / people}
    alike = both.copy()
    alike.data = (both.data / (below[measure] + shrinkage)).astype(np.float32)
    alike = alike - diags(alike.diagonal())
    alike.eliminate_zeros()
    return alike.tocsr()
