"""No training: the encoder and the scorer are evaluated unchanged."""

from __future__ import annotations

from torch import nn

from likewise.data.module import ProductModule
from likewise.methods.base import Method
from likewise.scorer import Scorer


class Untrained(Method):
    """Trains nothing, for parts that are pretrained or have no parameters."""

    name = "none"
    trains = False
    trains_scorer = Scorer

    def learn(self, module: ProductModule) -> int:
        """See ``Method``."""
        self.scorer.prepare(module)
        return 0

    def trained(self) -> list[nn.Module]:
        """Return an empty list, because nothing is trained."""
        return []
