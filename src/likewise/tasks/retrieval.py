"""Finding the products of a query's group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.module import GroupBatch, ProductModule
from likewise.data.relevance import Groups
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher
from likewise.metrics.retrieval import RetrievalMetric, evaluate_retrieval
from likewise.similarity.base import Similarity
from likewise.similarity.topk import topk_neighbours
from likewise.tasks.base import DrawnFigure, ExamplePair, Result, Task

# The candidates of a protocol: rows of the catalogue, products and groups; ``None`` where the
# queries search each other.
PROTOCOLS: dict[
    str, Callable[[ProductModule, torch.device], tuple[np.ndarray, GroupBatch] | None]
] = {
    "leave_one_out": lambda module, device: None,
    "train_gallery": lambda module, device: (
        module.data.splits["train"],
        module.split("train", device),
    ),
    "gallery": lambda module, device: (
        module.data.get(Groups).gallery,
        module.gallery(device),
    ),
}
NEAREST = 8
CAPTIONS = {
    "neighbours": "Nearest neighbours of one product of each group",
    "similarity": "Similarity of every pair of some test products",
    "map": "Map of some test products (t-SNE): near here is mostly near in the embedding",
}


@dataclass(frozen=True)
class Candidates:
    """The products that queries search; without embeddings and groups, they are the queries.

    Attributes:
        rows: int64 [n], of the catalogue.
        embeddings: float32 [n, d].
        groups: int64 [n].
    """

    rows: np.ndarray
    embeddings: Tensor | None = None
    groups: Tensor | None = None


class Retrieval(Task):
    """Exact ranking of a gallery for every product of a split.

    Args:
        metrics: by name.
        similarity: ranks.
        protocol: ``leave_one_out``: every product of the split searches the others;
            ``train_gallery``: it searches the training products, but the others in validation;
            ``gallery``: it searches the gallery of the data, such as a shop's products; where the
            gallery holds no product of a group of the validation split, as in In-Shop, validation
            searches the others.
    """

    metric_kind = RetrievalMetric
    relevance = Groups
    gives_examples = True

    def __init__(
        self,
        metrics: Mapping[str, RetrievalMetric],
        similarity: Similarity,
        protocol: str = "leave_one_out",
    ) -> None:
        if protocol not in PROTOCOLS:
            raise LikewiseError(
                f"protocol={protocol} is unknown; it can be {' or '.join(PROTOCOLS)}"
            )
        super().__init__(metrics, similarity)
        self.protocol = protocol

    def check(self, data: ProductData, split: str) -> None:
        """See ``Task``."""
        # Further splits, such as a gallery, are given, and may be trained on.
        rows = np.concatenate([data.splits[name] for name in SPLITS if name in data.splits])
        if len(np.unique(rows)) < len(rows):
            raise LikewiseError(
                "the splits of these data share products, as labelled pairs do, so retrieval would "
                "be tested on what was trained; use task=matching, or choose data with groups, "
                "such as data=grocery_store"
            )
        super().check(data, split)

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``."""
        groups, count = data.get(Groups), len(data.splits[name])
        known, sizes = np.unique(groups.labels_of(name), return_counts=True)
        if not len(known):
            raise LikewiseError(
                f"it is unknown which {name} products are similar, so nothing can be scored; "
                "choose data with groups, or name their column with data.columns.group"
            )
        protocol = self._protocol(groups, name)
        if protocol == "gallery":
            _check_gallery(groups, name)
        if protocol != "leave_one_out":
            return
        if count < 2:
            raise LikewiseError(
                f"the {name} split holds {count} product, and a search needs at least one "
                "query and one other product to find"
            )
        if len(known) < 2:
            raise LikewiseError(
                f"all {count} {name} products are of one group, so every ranking of them is "
                "right and the scores would mean nothing; put products of at least 2 groups there "
                "(data.split_by=product takes some of every group)"
            )
        if sizes.max() < 2:
            raise LikewiseError(
                f"no {name} product has another of its group to find; put at least 2 products of "
                "some groups there (data.split_by=product takes some of every group)"
            )

    def validate(
        self, scorer: EmbeddingMatcher, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``."""
        products, groups = module.split("validation", device)
        embeddings = scorer.encoder.embed(products)
        protocol = self._protocol(module.data.get(Groups), "validation")
        among = self._candidates(scorer.encoder, module, "validation", protocol, device)
        embedded = (embeddings, among.embeddings)
        if not all(part.isfinite().all() for part in embedded if part is not None):
            return dict.fromkeys(self.metrics, float("nan"))
        return evaluate_retrieval(
            self.metrics, embeddings, groups, self.similarity, among.embeddings, among.groups
        )

    def _protocol(self, groups: Groups, split: str) -> str:
        if split != "validation":
            return self.protocol
        # A validation that searched the products of training would be about how well these are
        # known, and the gallery of unseen groups may hold none of the validation groups.
        elsewhere = len(groups.gallery) and not groups.in_gallery(split)
        searches_others = self.protocol == "train_gallery" or elsewhere
        return "leave_one_out" if searches_others else self.protocol

    def _candidates(
        self,
        encoder: Encoder,
        module: ProductModule,
        split: str,
        protocol: str,
        device: torch.device,
    ) -> Candidates:
        searched = PROTOCOLS[protocol](module, device)
        if searched is None:
            return Candidates(module.data.splits[split])
        rows, (products, groups) = searched
        return Candidates(rows, encoder.embed(products), groups)

    def test(
        self, scorer: EmbeddingMatcher, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``.

        ``neighbours`` in the table are the ids of the ``NEAREST`` nearest candidates of each query,
        the nearest first, and ``similarities`` are their similarities. The protocol says which
        products are the candidates.
        """
        products, groups = module.split(split, device)
        embeddings = scorer.encoder.embed(products)
        among = self._candidates(scorer.encoder, module, split, self.protocol, device)
        scores = evaluate_retrieval(
            self.metrics, embeddings, groups, self.similarity, among.embeddings, among.groups
        )
        values, found = (
            part.cpu().numpy()
            for part in topk_neighbours(embeddings, among.embeddings, self.similarity, k=NEAREST)
        )
        data, neighbours = module.data, among.rows[found]
        ids = np.array(data.catalogue["product_id"][:])
        rows = data.splits[split]
        table: dict[str, np.ndarray | list[np.ndarray]] = {
            "unit_id": ids[rows],
            "group": data.get(Groups).numbers(len(data.catalogue))[rows],
            "neighbours": list(ids[neighbours]),
            "similarities": list(values),
        }
        for name, metric in self.metrics.items():
            table[name] = metric.per_query_scores().cpu().numpy()
        return Result(
            {f"{split}/{name}": score for name, score in scores.items()},
            table,
            embeddings,
            _clusters(data, split),
            self.specifications,
            lambda: self._draw(data, split, embeddings, neighbours, values),
            self._examples(data.get(Groups).numbers(len(data.catalogue)), rows, neighbours, values),
        )

    def _examples(
        self, groups: np.ndarray, rows: np.ndarray, neighbours: np.ndarray, values: np.ndarray
    ) -> list[ExamplePair]:
        """The queries that are most similar to their nearest product, if it is right, and if not.

        Args:
            groups: int64 [n], of the whole catalogue; -1 where unknown.
            rows: int64 [q], of the queries.
        """
        nearest, best = neighbours[:, 0], values[:, 0]
        best = best if self.similarity.larger_is_closer else -best
        right = groups[rows] == groups[nearest]
        known = (groups[rows] >= 0) & np.isfinite(best)
        found = []
        for among, what in (
            (right & known, "a nearest product of the same group"),
            (~right & known, "a nearest product of another group"),
        ):
            if among.any():
                query = np.flatnonzero(among)[best[among].argmax()]
                found.append(ExamplePair((int(rows[query]), int(nearest[query])), what))
        return found

    def _draw(
        self,
        data: ProductData,
        split: str,
        embeddings: Tensor,
        neighbours: np.ndarray,
        values: np.ndarray,
    ) -> dict[str, DrawnFigure]:
        from likewise.figures.retrieval import retrieval_figures

        figures = retrieval_figures(data, split, embeddings, self.similarity, neighbours, values)
        return {
            title: DrawnFigure(figures[title], caption)
            for title, caption in CAPTIONS.items()
            if title in figures
        }


def _clusters(data: ProductData, split: str) -> tuple[str, ...]:
    """By group, unless every group of the split was trained on.

    Groups that training never saw are a sample of the groups there are, and queries of one share
    its luck. Where all were trained on, such as ten kinds of clothes, the question is about these.
    """
    groups = data.get(Groups)
    return () if np.isin(groups.labels_of(split), groups.labels_of("train")).all() else ("group",)


def _check_gallery(groups: Groups, name: str) -> None:
    """Refuse a gallery in which the products of a split find nothing."""
    if not len(groups.gallery):
        raise LikewiseError(
            "protocol=gallery needs data with a gallery of their own, such as data=grocery_store; "
            "use protocol=leave_one_out or train_gallery"
        )
    if not groups.in_gallery(name):
        raise LikewiseError(
            f"the gallery holds no product of a group of the {name} products, so nothing can be "
            "found; use protocol=leave_one_out or train_gallery"
        )
