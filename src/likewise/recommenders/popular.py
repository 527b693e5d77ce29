"""The same products for everybody: those that most people had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.recommenders.base import Recommender

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Popular(Recommender):
    """Scores a product by the number of people who had it."""

    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("counts", torch.empty(0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        self.counts = torch.from_numpy(np.asarray(table.sum(0), np.float32).ravel())

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        return self.counts.expand(len(histories), -1)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """The size of the catalogue is learned."""
        found = state_dict.get(f"{prefix}counts")
        if found is not None:
            self.counts = torch.empty_like(found)
        super()._load_from_state_dict(state_dict, prefix, *rest)
