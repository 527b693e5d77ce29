"""BM25 by an inverted index equals BM25 title by title."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.title_index import TitleIndex
from likewise.data.word_statistics import WordStatistics

WORDS = st.lists(st.sampled_from(["oak", "lamp", "brass", "desk", "wh-1000xm4"]), max_size=6)


@settings(max_examples=60, deadline=None)
@given(titles=st.lists(WORDS, max_size=8), query=WORDS)
def test_the_index_gives_the_scores_of_the_formula(titles: list[list[str]], query: list[str]):
    index = TitleIndex(map(" ".join, titles))
    statistics = WordStatistics.of(titles)
    expected = [statistics.bm25(query, title, 1.2, 0.5) for title in titles]
    np.testing.assert_allclose(index.bm25(query, 1.2, 0.5), np.array(expected), rtol=1e-12)


def test_an_index_of_nothing_finds_nothing():
    assert TitleIndex([]).bm25(["oak"]).shape == (0,)
    assert TitleIndex(["", ""]).bm25(["oak"]).tolist() == [0.0, 0.0]
