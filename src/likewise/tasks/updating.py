"""Finding products by a model that is updated while new groups of products arrive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.relevance import Groups
from likewise.errors import LikewiseError
from likewise.matchers.versions import Versions
from likewise.metrics.retrieval import RetrievalMetric, count_relevant, evaluate_retrieval
from likewise.metrics.updating import Searches, UpdatingMetric
from likewise.similarity.base import Similarity, UnusableInput
from likewise.tasks.base import DrawnFigure, Result, Task

CAPTION = (
    "Quality after each update on products of new and of old groups, what was forgotten, and how "
    "many products training has read"
)


class Updating(Task):
    """Searches a split after each step, among its products whose groups have arrived.

    Epochs are compared by the quality on all validation products whose groups have arrived.

    Args:
        metrics: by name.
        similarity: compares embeddings.
        measure: gives each search its quality.
    """

    metric_kind = UpdatingMetric
    scorer_kind = Versions
    chosen_by = "quality"

    def __init__(
        self,
        metrics: Mapping[str, UpdatingMetric],
        similarity: Similarity,
        measure: RetrievalMetric,
    ) -> None:
        super().__init__(metrics, similarity)
        if not isinstance(measure, RetrievalMetric):
            raise LikewiseError("task.measure must be a metric of metrics=retrieval")
        self.measure = measure

    def check_split(self, data: ProductData, name: str) -> None:
        """See ``Task``; the groups of the split must be those of training."""
        super().check_split(data, name)
        groups = data.get(Groups)
        strange = np.setdiff1d(groups.labels_of(name), groups.labels_of("train"))
        if len(strange):
            raise LikewiseError(
                f"{len(strange)} groups of the {name} products, such as "
                f"{groups.names[strange[0]]}, have no training products, so they never arrive; "
                "choose data whose groups are in every split, such as data=grocery_store, or "
                "data.split_by=product where the data have that option"
            )

    def validate(
        self, scorer: Versions, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """See ``Task``; the quality on the validation products of ``module``."""
        products, groups = module.split("validation", device)
        try:
            quality = self._search(scorer.encoder.embed(products), groups)
        except UnusableInput:
            return {self.chosen_by: float("nan")}
        return {self.chosen_by: float(np.nanmean(quality))}

    def test(
        self, scorer: Versions, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``; the table has one row per query and step.

        The scores of each step have names such as ``test_step_3/new``.
        """
        products, groups = module.split(split, device)
        known = groups < len(scorer.arrival)
        arrival = torch.full_like(groups, -1)
        arrival[known] = scorer.arrival.to(groups.device)[groups[known]]
        embeddings = [scorer.version(step).embed(products) for step in range(len(scorer.versions))]
        queries, searches = self._searches(embeddings, groups, arrival)
        values = {name: metric.per_search(searches) for name, metric in self.metrics.items()}
        scores = {f"{split}/{name}": metric(searches) for name, metric in self.metrics.items()}
        for step in range(1, len(embeddings)):
            own = searches.step == step
            scores |= {
                f"{split}_step_{step}/{name}": float(np.nanmean(value[own]))
                for name, value in values.items()
                if np.isfinite(value[own]).any()
            }
        ids = np.array(module.data.catalogue["product_id"][:])[module.data.splits[split]][queries]
        steps = zip(ids, searches.step, strict=True)
        return Result(
            scores,
            {
                "unit_id": np.array([f"{name}@{step}" for name, step in steps]),
                "query": ids,
                "group": groups.cpu().numpy()[queries],
                "step": searches.step,
                "arrival": searches.arrival,
                "quality": searches.quality,
                **values,
            },
            embeddings[-1],
            ("query",),
            self.specifications,
            lambda: self._draw(searches, scorer.reads.cpu().numpy()),
        )

    def _searches(
        self, embeddings: list[Tensor], groups: Tensor, arrival: Tensor
    ) -> tuple[np.ndarray, Searches]:
        """Return the query (int64 [u], places in ``groups``) of each search, and the searches.

        Args:
            embeddings: of all products of the split after each step, float [n, d] each.
            groups, arrival: int64 [n].
        """
        of_arrival = arrival.cpu().numpy()
        nothing = np.full(len(groups), np.nan)
        quality, learned = nothing, nothing
        lines = []
        for step, embedded in enumerate(embeddings):
            seen, old = ((of_arrival >= 0) & (of_arrival <= last) for last in (step, step - 1))
            before = np.where(old, quality, np.nan)
            quality = self._among(seen, groups, embedded)
            kept, old_index = nothing, nothing
            for arrived in range(step):
                then = self._among(seen & (of_arrival <= arrived), groups, embedded)
                kept = np.where(of_arrival == arrived, then, kept)
            if step:
                old_index = self._among(old, groups, embedded, embeddings[step - 1])
            columns = (quality, np.where(old, learned, np.nan), kept, old_index, before)
            rows = np.flatnonzero(seen)
            own = (part[rows] for part in columns)
            lines.append((rows, np.full(len(rows), step), of_arrival[rows], *own))
            learned = np.where(of_arrival == step, quality, learned)
        queries, *fields = (np.concatenate(column) for column in zip(*lines, strict=True))
        return queries, Searches(*fields)

    def _among(
        self, chosen: np.ndarray, groups: Tensor, queries: Tensor, gallery: Tensor | None = None
    ) -> np.ndarray:
        """Return the quality of each chosen product among the other chosen ones, float64 [n].

        Args:
            chosen: bool [n].
            queries, gallery: float [n, d]; without a gallery, queries search the other queries.
        """
        found = np.full(len(groups), np.nan)
        rows = torch.from_numpy(np.flatnonzero(chosen)).to(groups.device)
        own = None if gallery is None else gallery[rows]
        found[chosen] = self._search(queries[rows], groups[rows], own)
        return found

    def _search(self, queries: Tensor, groups: Tensor, gallery: Tensor | None = None) -> np.ndarray:
        """Return the quality of each query [q, d] among the other products, float64 [q]."""
        if not len(groups) or int(count_relevant(groups, groups).max()) < 2:
            return np.full(len(groups), np.nan)
        others = () if gallery is None else (gallery, groups, True)
        evaluate_retrieval({"quality": self.measure}, queries, groups, self.similarity, *others)
        return self.measure.per_query_scores().double().cpu().numpy()

    def _draw(self, searches: Searches, reads: np.ndarray) -> dict[str, DrawnFigure]:
        from likewise.figures.updating import updating_figure

        curves = {
            metric.label: _by_step(metric.per_search(searches), searches.step, len(reads))
            for metric in self.metrics.values()
        }
        shares = {
            metric.label: curves[metric.label]
            for metric in self.metrics.values()
            if metric.range == (0.0, 1.0)
        }
        points = {name: curve for name, curve in curves.items() if name not in shares}
        figure = updating_figure(shares, points, reads, self.measure.label)
        return {"steps": DrawnFigure(figure, CAPTION)}


def _by_step(values: np.ndarray, step: np.ndarray, steps: int) -> np.ndarray:
    """Return the mean of the finite values of each step, float64 [steps]; NaN without any."""
    known = np.isfinite(values)
    counts = np.bincount(step[known], minlength=steps)
    sums = np.bincount(step[known], values[known], minlength=steps)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
