"""Normalised discounted cumulative gain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class NDCGAtK(RetrievalMetric):
    """nDCG@k: Σ_{i ≤ k} rel(i) / log2(i + 1), divided by its value for min(k, R) hits at the top.

    Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", TOIS 2002, with
    binary gains.
    """

    def __init__(self, k: int, **options: Any) -> None:
        super().__init__(**options)
        self.k, self.label = k, f"nDCG@{k}"

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``."""
        return self.k

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        hits = block.hits[:, : self.k]
        places = torch.arange(1, self.k + 1, device=hits.device)
        discount = 1 / (places + 1).double().log2()
        ideal = discount.cumsum(0)[block.num_relevant.clamp(1, self.k) - 1]
        return (hits * discount[: hits.shape[1]]).sum(1) / ideal
