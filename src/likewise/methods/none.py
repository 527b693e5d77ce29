"""No training: the encoder and the scorer as they come."""

from __future__ import annotations

from torch import nn

from likewise.data.module import ProductModule
from likewise.methods.base import Method
from likewise.scorer import Scorer


class Untrained(Method):
    """Leaves what is pretrained, or has no parameters, as it is."""

    name = "none"
    trains = False
    trains_scorer = Scorer

    def learn(self, module: ProductModule) -> int:
        """See ``Method``."""
        self.scorer.prepare(module)
        return 0

    def trained(self) -> list[nn.Module]:
        """Nothing."""
        return []
