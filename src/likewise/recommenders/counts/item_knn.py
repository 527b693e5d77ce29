"""Products that the same people had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, vstack

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.counting import Counting, count_both
from likewise.recommenders.counts.neighbours import keep_largest, row_blocks, without_diagonal
from likewise.recommenders.item_to_item import SparseItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData

# Counts of a block of rows, few enough for the cache of the processor.
CACHED = 1 << 17
MEASURES = ("cosine", "jaccard", "lift")


class ItemKnn(SparseItemToItem, Counting):
    """Scores a product by how alike its buyers are to those of the products of the history.

    Sarwar, Karypis, Konstan and Riedl, "Item-based Collaborative Filtering Recommendation
    Algorithms", WWW 2001; Deshpande and Karypis, "Item-based Top-N Recommendation Algorithms", TOIS
    2004.

    Args:
        measure: between the people of two products, of which c had both, a the one and b the other:
            ``cosine`` c / √(a b), ``jaccard`` c / (a + b - c), ``lift`` c u / (a b) among u people.
        neighbours: most alike products that are kept of each; 0 for all. With a number, memory
            stays bounded for large catalogues.
        shrinkage: added to the denominator, against products that few people had.
        recent, decay: of the history, see ``ItemToItem``.
    """

    def __init__(
        self,
        measure: str = "cosine",
        neighbours: int = 0,
        shrinkage: float = 0.0,
        recent: int = 0,
        decay: float = 1.0,
    ) -> None:
        super().__init__(recent, decay)
        if measure not in MEASURES:
            raise LikewiseError(
                f"recommender.measure={measure} must be one of {', '.join(MEASURES)}"
            )
        if neighbours < 0 or not shrinkage >= 0:
            raise LikewiseError(
                f"recommender.neighbours={neighbours} and recommender.shrinkage={shrinkage} must "
                "be at least 0"
            )
        self.measure, self.neighbours, self.shrinkage = measure, neighbours, shrinkage

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        buyers = table.T.tocsr()
        alone = np.diff(buyers.indptr)
        # A row of counts has at most an entry for each event of the product's buyers.
        entries = np.minimum(buyers @ np.diff(table.indptr), table.shape[1]).astype(np.int64)
        blocks = []
        for rows in row_blocks(entries, CACHED):
            blocks.append(self._kept(buyers[rows] @ table, rows.start, alone, len(histories)))
        self.weights.set(vstack(blocks, "csr"))

    def count(self, histories: Histories, new: np.ndarray, size: int) -> csr_matrix:
        """See ``Counting``."""
        return count_both(histories, new, size)

    def weigh(self, counts: csr_matrix, histories: Histories) -> None:
        """See ``Counting``."""
        alone = counts.diagonal()
        blocks = [
            self._kept(counts[rows], rows.start, alone, len(histories))
            for rows in row_blocks(np.diff(counts.indptr), CACHED)
        ]
        self.weights.set(vstack(blocks, "csr"))

    def _kept(self, both: csr_matrix, first: int, alone: np.ndarray, people: int) -> csr_matrix:
        """Return the weights of a block of rows, of the number of people who have both products.

        Args:
            both: [b, n], consecutive rows of the counts, which are overwritten.
            first: the row where the block begins.
            alone: [n], how many people have each product.
            people: how many there are.
        """
        a = alone[first + np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))]
        both.data = self._measured(a, alone[both.indices], both.data, people)
        return keep_largest(without_diagonal(both, first), self.neighbours)

    def _measured(self, a: np.ndarray, b: np.ndarray, both: np.ndarray, people: int) -> np.ndarray:
        """float32 [m], of the numbers of people of m pairs of products."""
        a = a.astype(np.float64)
        below = {"cosine": np.sqrt(a * b), "jaccard": a + b - both, "lift": a * b / people}
        return (both / (below[self.measure] + self.shrinkage)).astype(np.float32)
