"""Mean average precision at k."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from likewise.metrics.map_at_r import average_precision
from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class MAPAtK(RetrievalMetric):
    """MAP@k: Σ_{i ≤ k} P(i)·rel(i) / min(k, R), with R the number of relevant products.

    Some definitions divide by the number of hits instead; then one hit at rank 1 would be perfect
    even if there are 50 relevant products.
    """

    def __init__(self, k: int, **options: Any) -> None:
        super().__init__(**options)
        self.k, self.label = k, f"mAP@{k}"

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``."""
        return self.k

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        hits = block.hits[:, : self.k]
        cutoff = block.num_relevant.clamp_max(self.k)
        full = average_precision(hits, cutoff.new_full(cutoff.shape, self.k))
        return full * self.k / cutoff.clamp_min(1)
