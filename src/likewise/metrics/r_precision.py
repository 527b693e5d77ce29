"""The R-precision."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class RPrecision(RetrievalMetric):
    """R-precision: share of relevant products in the first R, R the number of relevant products."""

    label = "R-precision"

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``."""
        return max_relevant

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        places = torch.arange(block.hits.shape[1], device=block.hits.device)
        counted = block.hits & (places[None] < block.num_relevant[:, None])
        return counted.sum(1).double() / block.num_relevant.clamp_min(1)
