"""Products near those that are near the latest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags, vstack
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.counts.neighbours import keep_largest
from likewise.recommenders.history_weights import history_weights
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class TwoSteps(FittedRecommender):
    """Scores a product by the chance that two steps from a recent product lead to it.

    A step goes from a product to another one in proportion to the scores that ``step`` gives after
    the first product alone. Two steps reach products that never stood near those of the history:
    Cooper, Lee, Radinsky and Siegelman, "Random Walks in FittedRecommender Systems", WWW 2014.

    Args:
        step: a recommender that learns at once, with scores of at least 0.
        neighbours: of each product, to which a step may lead, and that are kept after two.
        recent: latest events of the history that count; 0 for all.
        decay: weight of an event relative to the one after it.
    """

    def __init__(
        self, step: FittedRecommender, neighbours: int = 200, recent: int = 10, decay: float = 0.7
    ) -> None:
        super().__init__()
        if neighbours < 1:
            raise LikewiseError(f"recommender.neighbours={neighbours} must be at least 1")
        self.step, self.neighbours = step, neighbours
        self.recent, self.decay = recent, decay
        self.chances = SparseMatrix()

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        self.step.fit(histories, data, seed)
        size = len(data.catalogue)
        each = Histories(np.arange(size), np.arange(1, size + 1))
        once = vstack([self._step(block) for block in each.blocks(512)], "csr")
        blocks = []
        for start in range(0, size, 512):
            twice = (once[start : start + 512] @ once).tocsr()
            blocks.append(keep_largest(twice, self.neighbours))
        chances = vstack(blocks, "csr")
        chances.setdiag(0)
        chances.eliminate_zeros()
        self.chances.set(chances)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        chances = self.chances.get()
        people = history_weights(histories, chances.shape[0], self.recent, self.decay)
        return torch.from_numpy((people @ chances).toarray())

    def _step(self, products: Histories) -> csr_matrix:
        """float32 [b, n], the chance of each product after one; none back to itself."""
        scores = self.step.scores(products).cpu().numpy().clip(min=0)
        scores[np.arange(len(products)), products.products] = 0
        kept = keep_largest(csr_matrix(scores), self.neighbours)
        totals = np.asarray(kept.sum(1)).ravel()
        return (diags((1 / np.where(totals > 0, totals, 1)).astype(np.float32)) @ kept).tocsr()
