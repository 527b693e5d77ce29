"""Recall at k as metric learning defines it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class RecallAtK(RetrievalMetric):
    """Recall@k: 1 if any of the k nearest products is relevant, else 0; R@1 is also precision@1.

    This is the definition of metric learning (Jégou et al. 2011), not the share of relevant
    products that are found.
    """

    def __init__(self, k: int, **options: Any) -> None:
        super().__init__(**options)
        self.k, self.label = k, f"R@{k}"

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``."""
        return self.k

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        return block.hits[:, : self.k].any(1)
