"""What goes with products that are like a product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.relevance import Links
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.sparse import SparseMatrix
from likewise.similarity.topk import topk_neighbours

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.encoders.base import Encoder
    from likewise.similarity.base import Similarity


class ContentLinks(FittedRecommender):
    """Scores what goes with the products whose content is nearest to that of a product.

    A product of which no link is known has content all the same, and so gets complements: those of
    its substitutes. The links of a near product count by its similarity, and each link by 1 / √c,
    where c products lead to the same one, so that what goes with everything is not always first.

    Args:
        encoder: of the content; a recommender that has this one as a part gives its own.
        similarity: between two contents; larger for closer.
        neighbours: near products that count.
    """

    knows_new_products = True

    encoder_use = "required"
    learns_from = (Links,)
    similarity: Similarity
    vectors: Tensor

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        neighbours: int = 50,
    ) -> None:
        super().__init__()
        if neighbours < 1:
            raise LikewiseError(f"recommender.neighbours={neighbours} must be at least 1")
        self.encoder, self.neighbours = encoder, neighbours
        if similarity is not None:
            self.similarity = similarity
        self.register_buffer("vectors", torch.empty(0))
        self.links = SparseMatrix()

    def index(self, vectors: Tensor) -> None:
        """See ``Recommender``."""
        self.vectors = vectors

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        size = len(data.catalogue)
        if histories.users is None:
            raise LikewiseError("recommender=content_links needs links between products")
        table = histories.matrix(size).tocoo()
        counts = np.bincount(table.col, minlength=size)
        weights = (table.data / np.sqrt(counts[table.col])).astype(np.float32)
        rows = histories.users[table.row]
        self.links.set(csr_matrix((weights, (rows, table.col)), shape=(size, size)))

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``; of products, which the histories name as their users."""
        if histories.users is None:
            raise LikewiseError("recommender=content_links recommends to products only")
        values, near = topk_neighbours(
            self.vectors[torch.from_numpy(histories.users)],
            self.vectors,
            self.similarity,
            self.neighbours,
        )
        if not self.similarity.larger_is_closer:
            values = 1 / (1 + values)
        people = np.repeat(np.arange(len(near)), near.shape[1])
        alike = csr_matrix(
            (values.flatten().cpu().numpy(), (people, near.flatten().cpu().numpy())),
            shape=(len(near), len(self.vectors)),
        )
        return torch.from_numpy((alike @ self.links.get()).toarray().astype(np.float32))
