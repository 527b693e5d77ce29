"""A linear policy."""

from __future__ import annotations

from torch import Tensor, nn

from likewise.data.contexts import FEATURES, Contexts
from likewise.policies.base import Policy


class LinearPolicy(Policy):
    """Softmax over a linear score per product of the hashed context; it starts as uniform.

    Args:
        num_products: number of products of the catalogue.
    """

    def __init__(self, num_products: int) -> None:
        super().__init__()
        self.scores = nn.Linear(FEATURES, num_products)
        nn.init.zeros_(self.scores.weight)
        nn.init.zeros_(self.scores.bias)

    def logits(self, contexts: Contexts) -> Tensor:
        """See ``Policy``."""
        return self.scores(contexts.features)
