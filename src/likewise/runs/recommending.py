"""Recommendations of a finished run for one person, or for one basket."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.properties import properties
from likewise.data.relevance import Links
from likewise.errors import LikewiseError
from likewise.recommenders.base import Recommender
from likewise.recommenders.catalogue_order import CatalogueOrder
from likewise.runs.hits import Hit, hits
from likewise.runs.saved import SavedRun

# The best products among which diverse ones are chosen, for each that is asked for.
CANDIDATES = 10


def recommend(
    run: SavedRun,
    history: Sequence[str],
    k: int,
    exclude: Collection[str] = (),
    repeat: bool = False,
    diversity: float = 0.0,
) -> list[Hit]:
    """The best k products for a person, best first.

    Args:
        history: product ids, oldest first.
        exclude: ids of products that are not recommended, such as those out of stock.
        repeat: recommend products of the history, too.
        diversity: from 0 (the best products) to 1 (the most different ones), see ``diverse``.

    Raises:
        LikewiseError: the run has no recommender, an id is unknown, or nothing is known of the
            person.
    """
    rows = _rows(run, history)
    scores = _recommender(run).scores(Histories.of([rows]))[0].cpu().clone()
    return _best(run, scores, [*_rows(run, exclude), *([] if repeat else rows)], k, diversity)


def cross_sell(
    run: SavedRun,
    basket: Sequence[str],
    k: int,
    exclude: Collection[str] = (),
    diversity: float = 0.0,
) -> list[Hit]:
    """The best k products to go with those of a basket, best first.

    For arguments and errors see ``recommend``. Where the run's data hold links between products,
    the scores of what goes with each product are added up; otherwise the basket is a history.
    """
    if not basket:
        raise LikewiseError("the basket is empty; name the products in it, such as --basket a,b")
    rows, recommender = _rows(run, basket), _recommender(run)
    histories = Histories.of([rows])
    if run.data.has(Links):
        links = run.data.get(Links)
        histories = links.histories(np.arange(len(links)), np.unique(rows))
    scores = recommender.scores(histories).cpu().sum(0)
    return _best(run, scores, [*_rows(run, exclude), *rows], k, diversity)


def diverse(scores: Tensor, alike: Tensor, k: int, diversity: float) -> list[int]:
    """Places of k products, each the best by (1 - d) score - d (most alike chosen one).

    Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and
    Producing Summaries", SIGIR 1998. Scores are first brought to the range from 0 to 1.

    Args:
        scores: float [c], of the candidates.
        alike: float [c, c], from 0 to 1.
        k: at most c.
        diversity: d, from 0 to 1.
    """
    spread = (scores.max() - scores.min()).clamp_min(1e-12)
    worth = (1 - diversity) * (scores - scores.min()) / spread
    nearest = torch.zeros_like(worth)
    chosen: list[int] = []
    for _ in range(k):
        value = worth - diversity * nearest
        value[chosen] = -torch.inf
        chosen.append(int(value.argmax()))
        nearest = torch.maximum(nearest, alike[chosen[-1]])
    return chosen


def _recommender(run: SavedRun) -> Recommender:
    if not isinstance(run.scorer, Recommender):
        raise LikewiseError(
            f"this run {run.scorer.gives}, and cannot recommend products; train one with "
            "task=recommendation or task=cross_sell"
        )
    run.scorer.prepare(run.module)
    return run.scorer


def _rows(run: SavedRun, ids: Collection[str]) -> list[int]:
    """Rows of the catalogue."""
    known = run.rows_by_id
    if strange := [one for one in ids if one not in known]:
        raise LikewiseError(
            f"the run's catalogue has no product {strange[0]}; ids of its products are, for "
            f"example, {', '.join(list(known)[:3])}"
        )
    return [known[one] for one in ids]


def _best(
    run: SavedRun, scores: Tensor, excluded: Sequence[int], k: int, diversity: float
) -> list[Hit]:
    if not 0 <= diversity <= 1:
        raise LikewiseError(f"--diversity {diversity} must be from 0 to 1")
    if scores.max() == scores.min():
        raise LikewiseError(
            "the recommender gives all products the same score for this history; give a history of "
            "products that people had, or use a run of recommender=popular"
        )
    scores[list(excluded)] = -torch.inf
    left = int(scores.isfinite().sum())
    if not left:
        raise LikewiseError("no product is left to recommend; exclude fewer products")
    count = min(k, left)
    top = CatalogueOrder(len(scores)).top(scores[None], min(left, CANDIDATES * count))[0]
    if diversity:
        table = properties(run.data.catalogue.select(top.tolist()))
        shared = torch.from_numpy((table @ table.T).toarray())
        sizes = shared.diagonal()
        alike = shared / (sizes[:, None] + sizes[None] - shared).clamp_min(1)
        top = top[diverse(scores[top], alike, count, diversity)]
    return hits(run.data.catalogue, top[:count].tolist(), scores[top[:count]].tolist())
