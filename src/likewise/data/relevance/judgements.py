"""Graded judgements of search results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.finding import Finding
from likewise.data.relevance.base import SPLITS, Relevance

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Judgements(Relevance):
    """Grades of how well products answer queries, given by people.

    Attributes:
        queries: the texts of the queries.
        query: int64 [m], positions in ``queries``.
        product: int64 [m], rows of the catalogue.
        grades: float64 [m], larger is better.
        splits: rows (int64) of the judgements of each split; splits share no query.
        lowest_grade: products of this grade or a lower one are of no use for their query.
    """

    queries: Sequence[str]
    query: np.ndarray
    product: np.ndarray
    grades: np.ndarray
    splits: Mapping[str, np.ndarray]
    lowest_grade: float = 0.0

    kind = "products that are graded for queries"
    advice = "choose data that do, such as data=search_relevance"
    used_by = "task=search"
    unit = "judgement"
    columns = ("query", "product", "grades")
    product_columns = ("product",)
    shared = "queries"

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        super().check(products)
        self._check_rows("query", self.query, len(self.queries), "the queries")
        self._require(np.isfinite(self.grades).all(), "a grade is not a finite number")

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        rows = [("queries", f"{len(self.queries):,}")]
        for name, chosen in self.splits.items():
            mean = f", mean grade {self.grades[chosen].mean():.2f}" if len(chosen) else ""
            rows.append((f"{name} judgements", f"{len(chosen):,}{mean}"))
        return rows

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """See ``Relevance``."""
        sentences = {}
        for name in (name for name in names if name in self.splits):
            chosen = self.splits[name]
            kinds = len(np.unique(self.grades[chosen]))
            if kinds < 2:
                sentences[name] = (
                    f"{name} holds {len(chosen):,} judgements of {kinds} different grades, so it "
                    "cannot be evaluated; a ranking can only be scored by at least 2 grades"
                )
        return sentences

    def problems(self, catalogue: Dataset) -> Iterator[Finding]:
        """See ``Relevance``."""
        if count := self.leaks(np.arange(len(catalogue))).get(("train", "test")):
            sentence = f"{count:,} queries of test are also in train"
            yield Finding("leaks", sentence, spoils=True)
        yield from super().problems(catalogue)

    def _owners(self) -> np.ndarray:
        return self.query

    def _keys(self, contents: np.ndarray) -> np.ndarray:
        return self.query
