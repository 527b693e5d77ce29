"""The mean reciprocal rank."""

from __future__ import annotations

from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class MRR(RetrievalMetric):
    """Mean reciprocal rank of the first relevant product in the whole gallery, without a cutoff."""

    label = "MRR"
    needs_first_rank = True

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``; first hits at deeper ranks are counted exactly."""
        return 32

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        return 1 / block.first_rank.clamp_min(1).double()
