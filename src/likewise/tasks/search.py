"""Ranking the products that people graded for a query."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from likewise.data.module import ProductModule
from likewise.data.products import take, to_device
from likewise.data.query_pairs import as_products, query_pairs
from likewise.data.relevance import Judgements
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.metrics.graded import GradedMetric, GradedRanking
from likewise.tasks.base import DrawnFigure, Result, Task

# Judgements that are scored at once.
CHUNK = 4096


class Search(Task):
    """Graded judgements: the judged products of each query, ranked by a matcher.

    A query is a product that has its text as the title and nothing else, and the left one of each
    pair; its text passed the steps of ``cleaning`` that titles pass, as that of ``Model.search``
    does.

    Args:
        metrics: by name.
        similarity: ranks.
    """

    metric_kind = GradedMetric
    scorer_kind = Matcher
    relevance = Judgements

    def test(
        self, scorer: Matcher, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """See ``Task``.

        The table has one row per query, and ``unit_id`` is the text of the query; ``products`` are
        the ids of its judged products from the most to the least similar one, with
        ``similarities`` and ``grades``.
        """
        judgements = module.data.get(Judgements)
        chosen = judgements.splits[split]
        asked, query = np.unique(judgements.query[chosen], return_inverse=True)
        texts = [judgements.queries[place] for place in asked]
        scores = _scores(scorer, module, texts, query, judgements.product[chosen], device)
        ranking = GradedRanking(query, scores, judgements.grades[chosen], judgements.lowest_grade)
        values = {name: metric.per_query(ranking) for name, metric in self.metrics.items()}
        ids = np.array(module.data.catalogue["product_id"][:])[judgements.product[chosen]]
        return Result(
            {f"{split}/{name}": metric(ranking) for name, metric in self.metrics.items()},
            {"unit_id": np.array(texts), **_ranked(ranking, ids), **values},
            specifications=self.specifications,
            draw=lambda: self._draw(ranking, values),
        )

    def _draw(
        self, ranking: GradedRanking, values: dict[str, np.ndarray]
    ) -> dict[str, DrawnFigure]:
        from likewise.figures.search import graded_scores

        name, metric = next(iter(self.metrics.items()))
        figure = graded_scores(ranking.grades, ranking.scores, values[name], metric.label)
        caption = f"Scores of the products of each grade, and {metric.label} of the queries"
        return {"grades": DrawnFigure(figure, caption)}


@torch.no_grad()
def _scores(
    scorer: Matcher,
    module: ProductModule,
    texts: list[str],
    query: np.ndarray,
    product: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """Of each judgement, float64 [m]."""
    scorer.eval()
    if isinstance(scorer, EmbeddingMatcher):
        found = _compared(scorer, module, texts, query, product, device)
    else:
        pairs = query_pairs(module, texts, query, product, CHUNK, device)
        found = [scorer.match_pairs(some) for some in pairs]
    return torch.cat(found).double().cpu().numpy()


def _compared(
    scorer: EmbeddingMatcher,
    module: ProductModule,
    texts: list[str],
    query: np.ndarray,
    product: np.ndarray,
    device: torch.device,
) -> list[Tensor]:
    """The scores of a matcher of embeddings: each text and each product is embedded once."""
    rows, place = np.unique(product, return_inverse=True)
    parts = module.read(as_products(texts)), take(module.products, torch.from_numpy(rows))
    left, right = (scorer.encoder.embed(to_device(part, device)) for part in parts)
    pairs = zip(_chunks(query), _chunks(place), strict=True)
    return [scorer.compare(left[one], right[other]) for one, other in pairs]


def _chunks(places: np.ndarray) -> tuple[Tensor, ...]:
    return torch.from_numpy(places).split(CHUNK)


def _ranked(ranking: GradedRanking, ids: np.ndarray) -> dict[str, list[np.ndarray]]:
    """The judged products of each query, best first."""
    order = np.lexsort((-ranking.scores, ranking.query))
    ends = np.bincount(ranking.query).cumsum()[:-1]
    columns = {"products": ids, "similarities": ranking.scores, "grades": ranking.grades}
    return {name: np.split(values[order], ends) for name, values in columns.items()}
