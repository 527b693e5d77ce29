"""nDCG@10 by query of untrained models on graded search results, written as RESULTS.md.

    python experiments/search/measure.py --model sentence-transformers/all-MiniLM-L6-v2

needs the library bm25s, the judgements where ``data=search_relevance`` looks for them, and the
model as a folder, a package or a name on the hub.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import torch
from scipy import stats

from likewise.data.catalogue import ProductData
from likewise.data.modalities.pretrained import PretrainedSubwords
from likewise.data.modalities.texts import TextReader
from likewise.data.modalities.tfidf import Tfidf
from likewise.data.module import ProductModule
from likewise.data.sources.search_relevance import SearchRelevance
from likewise.encoders.base import Encoder
from likewise.encoders.pretrained_text import PretrainedText
from likewise.encoders.tfidf import WeightedBag
from likewise.evidence.statistics import holm, mean_interval
from likewise.metrics.graded import GradedRanking
from likewise.metrics.graded_ndcg import GradedNDCGAtK
from likewise.runs.environment import describe
from likewise.similarity.cosine import Cosine
from likewise.tasks.base import Result
from likewise.tasks.search import Search

METRIC = GradedNDCGAtK(k=10, lowest_grade=1.0)
CPU = torch.device("cpu")


def score(data: ProductData, reader: TextReader, make: Callable[[], Encoder]) -> Result:
    """A model on the test queries; the reader learns from the training products."""
    reader.fit(data.catalogue, data.splits["train"])
    module = ProductModule(data, {"text": reader}, batch_size=2, seed=0)
    return Search({"ndcg_at_10": METRIC}, Cosine()).test(make(), module, "test", CPU)


def tfidf(data: ProductData, **options: Any) -> Result:
    """TF-IDF of the titles."""
    reader = Tfidf(**options)
    return score(data, reader, lambda: WeightedBag(reader.vocabulary_size))


def minilm(data: ProductData, model: str) -> Result:
    """A language model as it comes."""
    reader = PretrainedSubwords(model)
    return score(data, reader, lambda: PretrainedText(model, reader.vocabulary_size))


def bm25(data: ProductData, table: dict[str, Any]) -> np.ndarray:
    """Scores of the ranked products of a table by BM25 over all titles, float64 [m]."""
    place = {product: row for row, product in enumerate(data.catalogue["product_id"][:])}
    index = bm25s.BM25()
    tokens = bm25s.tokenize(data.catalogue["title"][:], show_progress=False)
    index.index(tokens, show_progress=False)
    scores = []
    for text, products in zip(table["product_id"], table["products"], strict=True):
        (words,) = bm25s.tokenize([text], return_ids=False, show_progress=False)
        rows = [place[product] for product in products]
        scores.append(index.get_scores(words)[rows] if words else np.zeros(len(rows)))
    return np.concatenate(scores).astype(np.float64)


def page(scores: dict[str, np.ndarray], baseline: str, number: int, date: str) -> str:
    """RESULTS.md: every model, and its difference from the baseline."""
    rows = ["| model | nDCG@10 | 95 % interval |", "|---|---|---|"]
    for name, values in sorted(scores.items(), key=lambda one: -np.nanmean(one[1])):
        found = mean_interval(values[np.isfinite(values)])
        rows.append(f"| {name} | {found.mean:.4f} | {found.low:.4f} to {found.high:.4f} |")
    others = [name for name in scores if name != baseline]
    gaps = {name: scores[name] - scores[baseline] for name in others}
    gaps = {name: gap[np.isfinite(gap)] for name, gap in gaps.items()}
    adjusted = holm([float(stats.ttest_1samp(gap, 0).pvalue) for gap in gaps.values()])
    tests = [
        f"| model | difference from {baseline} | 95 % interval | p (Holm) |",
        "|---|---|---|---|",
    ]
    for (name, gap), p in zip(gaps.items(), adjusted, strict=True):
        found = mean_interval(gap)
        said = "< 0.0001" if p < 1e-4 else f"{p:.4f}"
        tests.append(
            f"| {name} | {found.mean:+.4f} | {found.low:+.4f} to {found.high:+.4f} | {said} |"
        )
    counted = int(np.isfinite(scores[baseline]).sum())
    trivial = int((scores["random order"] > 1 - 1e-9).sum())
    return f"""# search

How well do untrained models rank the products that people graded for a query? Home Depot Product
Search Relevance, test queries of the stored split, {date}, {describe()["device"]} with
{describe()["threads"]} threads.

{chr(10).join(rows)}

{number} judgements of {len(scores[baseline])} test queries. Each model ranks the judged products
of a query by their titles as published (without `cleaning`), not the whole catalogue. Gains are
2^g - 1, with g the grade (1 to 3) less 1; products of equal score share their gains.
{len(scores[baseline]) - counted} queries have no product above grade 1 and do not count; {trivial}
of the {counted} others have products of one grade only, so that every order of theirs scores 1.
Random order is the exact mean over all orders.

Intervals are Student's t over queries. No model is trained and none draws at random, so seeds add
no variance.

## Paired by query

{chr(10).join(tests)}

## Models

- TF-IDF: `encoder=tfidf text=tfidf method=none`, words or character n-grams (3 to 5 within
  words), hashed to 16,384 places where nothing else is said, cosine; document frequencies of the
  training products.
- MiniLM: all-MiniLM-L6-v2, `encoder=pretrained_text text=pretrained method=none`, mean of the
  tokens, cosine.
- BM25: the library bm25s with its defaults (Lucene's variant, k1 = 1.5, b = 0.75, English stop
  words left out, no stemming) over the titles of all products.

`python experiments/search/measure.py` writes this page.
"""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
    parser.add_argument("--date", required=True)
    options = parser.parse_args()
    data = SearchRelevance().load()
    results = {
        "TF-IDF of words": tfidf(data, bits=14),
        "TF-IDF of words, 4,096 places": tfidf(data, bits=12),
        "TF-IDF of character n-grams": tfidf(
            data, analyzer="char_wb", smallest=3, largest=5, bits=14, length=512
        ),
        "MiniLM": minilm(data, options.model),
    }
    scores = {name: np.asarray(result.table["ndcg_at_10"]) for name, result in results.items()}
    table: dict[str, Any] = results["MiniLM"].table
    grades = np.concatenate(table["grades"])
    query = np.repeat(np.arange(len(table["grades"])), [len(part) for part in table["grades"]])
    scores["BM25"] = METRIC.per_query(GradedRanking(query, bm25(data, table), grades))
    # Products of equal score share their gains, as those in random order do on average.
    scores["random order"] = METRIC.per_query(GradedRanking(query, np.zeros(len(query)), grades))
    text = page(scores, "BM25", len(query), options.date)
    (Path(__file__).parent / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
