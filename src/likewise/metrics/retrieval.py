"""The base class of retrieval metrics, and their evaluation on one shared ranking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from likewise.metrics.base import DescribedMetric
from likewise.metrics.ranking import RankedBlock, ranked_blocks
from likewise.similarity.base import Similarity, UnusableInput


class RetrievalMetric(DescribedMetric, Metric):
    """The mean of a score per query.

    Queries without relevant products have the score NaN and are left out of the mean.
    """

    higher_is_better: bool = True  # torchmetrics would let it be None
    full_state_update = False
    needs_first_rank = False
    per_query: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("per_query", default=[], dist_reduce_fx="cat")

    @abstractmethod
    def depth(self, max_relevant: int) -> int:
        """Return how many nearest products the score needs, given the largest relevant count."""

    @abstractmethod
    def scores(self, block: RankedBlock) -> Tensor:
        """Return the scores of a block of queries, float [b].

        The values of queries without relevant products are ignored.
        """

    def update(self, block: RankedBlock) -> None:
        """Add the queries of a block."""
        scores = self.scores(block).float()
        self.per_query.append(scores.masked_fill(block.num_relevant == 0, torch.nan))

    def compute(self) -> Tensor:
        """Return the mean over queries with relevant products."""
        return self.per_query_scores().double().nanmean()

    def per_query_scores(self) -> Tensor:
        """Return the scores, float32 [q]; NaN for queries without relevant products."""
        return dim_zero_cat(self.per_query)


def evaluate_retrieval(
    metrics: Mapping[str, RetrievalMetric],
    queries: Tensor,
    query_groups: Tensor,
    similarity: Similarity,
    gallery: Tensor | None = None,
    gallery_groups: Tensor | None = None,
    gallery_is_queries: bool = False,
) -> dict[str, float]:
    """Rank all queries once, exactly, and compute every metric.

    Args:
        metrics: metrics by name. They are reset first; afterwards they hold per-query scores.
        queries: embeddings [q, d].
        query_groups: int64 [q]; relevant products are those of the same group.
        gallery, gallery_groups: [n, d] and int64 [n]; without them, leave-one-out: every query
            searches the other queries.
        gallery_is_queries: the gallery holds the products of the queries in the same order, by
            another encoder; every query searches the others there, too.

    Returns:
        The mean of each metric over the queries with relevant products.

    Raises:
        UnusableInput: a ``ValueError``, when the gallery is empty or no query has anything to find.
    """
    alone = gallery is None
    prepared = similarity.prepare(queries)
    among = prepared if gallery is None else similarity.prepare(gallery)
    query_groups = query_groups.to(prepared.device, torch.int64)
    if alone != (gallery_groups is None):
        raise UnusableInput("gallery and gallery_groups belong together; give both or neither")
    groups = query_groups
    if gallery_groups is not None:
        groups = gallery_groups.to(prepared.device, torch.int64)
    if len(query_groups) != len(prepared) or len(groups) != len(among):
        raise UnusableInput("there must be exactly one group for each product")
    without_self = alone or gallery_is_queries
    size = len(among) - without_self
    if size < 1 or len(prepared) < 1:
        raise UnusableInput("retrieval needs at least one query and one other product to find")
    relevant = count_relevant(query_groups, groups) - int(without_self)
    if not (relevant > 0).any():
        raise UnusableInput("no query has a product of its group to find in the gallery")
    for metric in metrics.values():
        metric.reset()
        metric.to(prepared.device)
        # This process has all queries; synchronising several processes would count them repeatedly.
        metric.distributed_available_fn = _not_distributed
    most = int(relevant.max())
    k = min(size, max((metric.depth(most) for metric in metrics.values()), default=1))
    first_rank = any(metric.needs_first_rank for metric in metrics.values())
    for block in ranked_blocks(
        prepared,
        query_groups,
        among,
        groups,
        similarity,
        max(1, k),
        relevant,
        leave_one_out=without_self,
        first_rank=first_rank,
    ):
        for metric in metrics.values():
            metric.update(block)
    return {name: float(metric.compute()) for name, metric in metrics.items()}


def _not_distributed() -> bool:
    return False


def count_relevant(query_groups: Tensor, gallery_groups: Tensor) -> Tensor:
    """Count the gallery products of each query's group, int64 [q], without a q × n table."""
    kinds, counts = gallery_groups.unique(return_counts=True)
    places = torch.searchsorted(kinds, query_groups).clamp_max(len(kinds) - 1)
    return torch.where(kinds[places] == query_groups, counts[places], 0)
