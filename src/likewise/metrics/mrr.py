"""Mean reciprocal rank."""

from __future__ import annotations

from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class MRR(RetrievalMetric):
    """1 / rank of the first relevant product in the whole gallery, not cut off at a depth."""

    label = "MRR"
    needs_first_rank = True

    def depth(self, max_relevant: int) -> int:
        """Most first hits are near the top; the rest are counted exactly."""
        return 32

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        return 1 / block.first_rank.clamp_min(1).double()
