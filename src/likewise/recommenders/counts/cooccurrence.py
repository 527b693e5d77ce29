"""Products that stand near each other in the histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix, vstack

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.counting import Counting
from likewise.recommenders.counts.neighbours import (
    BLOCK,
    keep_largest,
    row_blocks,
    without_diagonal,
)
from likewise.recommenders.item_to_item import SparseItemToItem

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Cooccurrence(SparseItemToItem, Counting):
    """Scores a product by how often it stood near the latest products of the history.

    A pair (i, j) at distance d in a history counts d^-distance_power for i → j, and ``backward``
    times as much for j → i. The sums are divided by (e_i e_j)^popularity_power, where e is the
    number of events of a product.

    Windowed counts with weights by distance are those of Pennington, Socher and Manning, "GloVe",
    EMNLP 2014; counts in sessions are a strong baseline in Ludewig and Jannach, "Evaluation of
    Session-based Recommendation Algorithms", UMUAI 2018 (Sequential Rules).

    Args:
        window: the largest distance between two events of a pair.
        distance_power: of the weight of a pair by distance; 0 for equal weights.
        backward: weight of the earlier product as a recommendation after the later one.
        popularity_power: of the division by popularity; 0 for none.
        neighbours: products that are kept after each; 0 for all. With a number, memory stays
            bounded for large catalogues.
        recent, decay: of the history, see ``ItemToItem``.
    """

    reads_order = True

    def __init__(
        self,
        window: int = 10,
        distance_power: float = 0.5,
        backward: float = 0.2,
        popularity_power: float = 0.25,
        neighbours: int = 0,
        recent: int = 5,
        decay: float = 0.7,
    ) -> None:
        super().__init__(recent, decay)
        if window < 1 or neighbours < 0:
            raise LikewiseError(
                f"recommender.window={window} must be at least 1 and "
                f"recommender.neighbours={neighbours} at least 0"
            )
        if not min(distance_power, backward, popularity_power) >= 0:
            raise LikewiseError(
                f"recommender.distance_power={distance_power}, recommender.backward={backward} "
                f"and recommender.popularity_power={popularity_power} must be at least 0"
            )
        self.window, self.distance_power, self.backward = window, distance_power, backward
        self.popularity_power, self.neighbours = popularity_power, neighbours

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        size = len(data.catalogue)
        events = np.bincount(histories.products, minlength=size)
        order = np.argsort(histories.products, kind="stable")
        ends = np.cumsum(events)
        weights = np.maximum(events, 1.0) ** -self.popularity_power
        blocks = []
        for rows in row_blocks(np.minimum(2 * self.window * events, size)):
            counts = csr_matrix((rows.stop - rows.start, size), dtype=np.float32)
            begin, end = ends[rows.start] - events[rows.start], ends[rows.stop - 1]
            # The events of a popular product are taken a part at a time.
            step = max(1, BLOCK // (2 * self.window))
            for start in range(begin, end, step):
                places = order[start : min(start + step, end)]
                counts = counts + self._counted(histories, places, rows, size)
            lengths = np.diff(counts.indptr)
            counts.data *= (np.repeat(weights[rows], lengths) * weights[counts.indices]).astype(
                np.float32
            )
            blocks.append(keep_largest(without_diagonal(counts, rows.start), self.neighbours))
        self.weights.set(vstack(blocks, "csr"))

    def count(self, histories: Histories, new: np.ndarray, size: int) -> csr_matrix:
        """See ``Counting``; a pair is new where its later event is."""
        products = histories.products
        later = np.flatnonzero(new)
        begin = (histories.ends - histories.lengths)[histories.people[later]]
        pairs, weights = [], []
        for distance in range(1, self.window + 1):
            second = later[later - distance >= begin]
            second = second[products[second] != products[second - distance]]
            pair = np.stack([products[second - distance], products[second]])
            pairs += [pair, pair[::-1]]
            weight = np.full(len(second), distance**-self.distance_power, np.float32)
            weights += [weight, weight * np.float32(self.backward)]
        places = tuple(np.concatenate(pairs, 1))
        counts = csr_matrix((np.concatenate(weights), places), shape=(size, size))
        counts.eliminate_zeros()
        return counts

    def weigh(self, counts: csr_matrix, histories: Histories) -> None:
        """See ``Counting``."""
        events = np.bincount(histories.products, minlength=counts.shape[0])
        weights = (np.maximum(events, 1.0) ** -self.popularity_power).astype(np.float32)
        values = counts.data * np.repeat(weights, np.diff(counts.indptr)) * weights[counts.indices]
        parts = values, counts.indices.copy(), counts.indptr
        self.weights.set(keep_largest(csr_matrix(parts, shape=counts.shape), self.neighbours))

    def _counted(
        self, histories: Histories, places: np.ndarray, rows: slice, size: int
    ) -> csr_matrix:
        """float32 [rows, size], the weights of the pairs whose first products are some events.

        Args:
            places: int64, of the events, all of products in ``rows``.
        """
        products = histories.products
        person = np.searchsorted(histories.ends, places, side="right")
        begin, end = histories.ends[person] - histories.lengths[person], histories.ends[person]
        pairs, weights = [], []
        for distance in range(1, self.window + 1):
            weight = distance**-self.distance_power
            for other, within, factor in (
                (places + distance, places + distance < end, 1.0),
                (places - distance, places - distance >= begin, self.backward),
            ):
                pairs.append(
                    np.stack([products[places[within]] - rows.start, products[other[within]]])
                )
                weights.append(np.full(within.sum(), weight * factor, np.float32))
        table = csr_matrix(
            (np.concatenate(weights), tuple(np.concatenate(pairs, 1))),
            shape=(rows.stop - rows.start, size),
        )
        table.sum_duplicates()
        return table
