"""Searching the whole catalogue of a finished run for a query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from likewise.data.cleaning.catalogue import clean_catalogue
from likewise.data.query_pairs import as_products, query_pairs
from likewise.data.word_statistics import stemmed_words
from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher, Matcher
from likewise.runs.hits import Hit, hits
from likewise.runs.saved import SavedRun

# Best products by BM25 that a matcher of pairs ranks again.
CANDIDATES = 200


@torch.no_grad()
def search(run: SavedRun, query: str, k: int, excluded: Sequence[str] = ()) -> list[Hit]:
    """At most k products for a query, best first; equal scores in the order of the catalogue.

    A matcher of embeddings scores all products. Any other ranks the ``CANDIDATES`` best by BM25
    again, so that a product without a word of the query is not found.

    Args:
        query: passes the steps of ``cleaning`` that titles pass.
        excluded: ids of products that must not be found.

    Raises:
        LikewiseError: the query has no words, the run cannot score pairs, or an excluded product
            is unknown.
    """
    scorer, catalogue = run.scorer, run.data.catalogue
    if not isinstance(scorer, Matcher):
        raise LikewiseError(
            f"this run cannot search, as its {type(scorer).__name__} {scorer.gives}; search with a "
            "run that has a matcher, or an encoder"
        )
    text = clean_catalogue(as_products([query]), run.model.cleaning)[0]["title"][0] or ""
    if not stemmed_words(text):
        raise LikewiseError("the query has no words; write what is looked for, such as 'oak shelf'")
    if strange := sorted(one for one in excluded if one not in run.rows_by_id):
        raise LikewiseError(f"--exclude {strange[0]}: the catalogue has no such product")
    left_out = np.array([run.rows_by_id[one] for one in excluded], np.int64)
    allowed = np.delete(np.arange(len(catalogue)), left_out)
    if isinstance(scorer, EmbeddingMatcher):
        rows, scores = allowed, _compared(run, scorer, text, allowed)
    else:
        rows = _candidates(run, text, allowed)
        pairs = query_pairs(
            run.module, [text], np.zeros(len(rows), np.int64), rows, CANDIDATES, run.device
        )
        parts = [scorer.match_pairs(some).cpu() for some in pairs]
        scores = torch.cat([torch.empty(0), *parts])
    best = scores.argsort(descending=True, stable=True)[:k]
    return hits(catalogue, rows[best.numpy()].tolist(), scores[best].tolist())


def _compared(run: SavedRun, scorer: EmbeddingMatcher, text: str, rows: np.ndarray) -> Tensor:
    """The score of each product, float32 [n], by embeddings."""
    one = run.model.embed(as_products([text]))
    parts = [
        scorer.compare(one.expand(len(embeddings), -1), embeddings)
        for _, embeddings in run.stream_rows(rows)
    ]
    return torch.cat(parts).float().cpu()


def _candidates(run: SavedRun, text: str, rows: np.ndarray) -> np.ndarray:
    """Of some rows (int64), the best by BM25, in the order of the catalogue."""
    scores = run.title_index.bm25(stemmed_words(text))[rows]
    best = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return rows[np.sort(best[scores[best] > 0])]
