"""Products with the attributes that follow those of the latest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.content.attribute_table import attribute_table
from likewise.recommenders.history_weights import history_weights
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class AttributeTransitions(FittedRecommender):
    """Scores a product by how much more often its attributes follow those of the history.

    Of the attributes a of the recent products and b of the product, the mean of log lift(a, b),
    where lift is the share of b after a over the share of b anywhere, drawn to 1 by pseudo-counts.
    An event shares its count among its attributes; pairs within ``window`` count 1/√distance, and
    ``backward`` times as much in the other direction. It knows no product by itself, so that
    products that nobody bought are scored, too.

    Args:
        window: the largest distance between two events of a pair.
        backward: weight of the earlier event as one that follows.
        strength: of the pseudo-counts, relative to the count that independence would give.
        recent: latest events of the history that count; 0 for all.
        decay: weight of an event relative to the one after it.
    """

    knows_new_products = True

    lift: Tensor

    def __init__(
        self,
        window: int = 10,
        backward: float = 0.3,
        strength: float = 2.0,
        recent: int = 10,
        decay: float = 0.7,
    ) -> None:
        super().__init__()
        if window < 1 or not strength > 0:
            raise LikewiseError(
                f"recommender.window={window} must be at least 1 and "
                f"recommender.strength={strength} above 0"
            )
        self.window, self.backward, self.strength = window, backward, strength
        self.recent, self.decay = recent, decay
        self.shares = SparseMatrix()
        self.register_buffer("lift", torch.empty(0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = attribute_table(data.catalogue)
        totals = np.asarray(table.sum(1)).ravel()
        shares = (diags(1 / np.where(totals > 0, totals, 1)) @ table).tocsr().astype(np.float32)
        pairs = (shares.T @ _pairs(histories, table.shape[0], self.window) @ shares).toarray()
        pairs = pairs + self.backward * pairs.T
        total = max(pairs.sum(), 1e-9)
        alone = pairs.sum(1, keepdims=True) * pairs.sum(0, keepdims=True) / total
        # An attribute that is in no pair is independent of all.
        alone = np.maximum(alone, 1e-9)
        lift = np.log((pairs + self.strength * alone) / ((1 + self.strength) * alone))
        lift[pairs.sum(1) == 0] = 0
        lift[:, pairs.sum(0) == 0] = 0
        self.lift = torch.from_numpy(lift.astype(np.float32))
        self.shares.set(shares)

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        shares = self.shares.get()
        people = history_weights(histories, shares.shape[0], self.recent, self.decay) @ shares
        following = people @ self.lift.cpu().numpy()
        return torch.from_numpy(np.ascontiguousarray((shares @ following.T).T))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """The number of attributes is learned."""
        found = state_dict.get(f"{prefix}lift")
        if found is not None:
            self.lift = torch.empty_like(found)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _pairs(histories: Histories, size: int, window: int) -> csr_matrix:
    """float32 [size, size]: earlier and later products, 1/√distance for each pair."""
    products, people = histories.products, histories.people
    total = csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, min(window, len(products) - 1) + 1):
        same = people[distance:] == people[:-distance]
        one, other = products[:-distance][same], products[distance:][same]
        weights = np.full(len(one), distance**-0.5, np.float32)
        total = total + csr_matrix((weights, (one, other)), shape=(size, size))
    return total
