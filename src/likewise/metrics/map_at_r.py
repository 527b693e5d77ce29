"""Mean average precision at R."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.metrics.ranking import RankedBlock
from likewise.metrics.retrieval import RetrievalMetric


class MAPAtR(RetrievalMetric):
    """MAP@R: 1/R Σ_{i ≤ R} P(i)·rel(i), R the number of relevant products, P(i) precision at i.

    Musgrave, Belongie and Lim, "A Metric Learning Reality Check", ECCV 2020, equation 2.
    """

    label = "mAP@R"

    def depth(self, max_relevant: int) -> int:
        """See ``RetrievalMetric``."""
        return max_relevant

    def scores(self, block: RankedBlock) -> Tensor:
        """See ``RetrievalMetric``."""
        return average_precision(block.hits, block.num_relevant)


def average_precision(hits: Tensor, cutoff: Tensor) -> Tensor:
    """Σ_{i ≤ c} P(i)·rel(i) / c for bool [b, K] and cutoffs int64 [b]."""
    places = torch.arange(1, hits.shape[1] + 1, device=hits.device)
    counted = hits & (places[None] <= cutoff[:, None])
    precision = counted.cumsum(1).double() / places
    return (precision * counted).sum(1) / cutoff.clamp_min(1)
