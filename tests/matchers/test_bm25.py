"""BM25 is its formula, with the statistics of the whole catalogue."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.data.catalogue import make_catalogue
from likewise.data.products import LabelledPairs
from likewise.data.sources.synthetic import Synthetic
from likewise.data.word_statistics import stemmed_words
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.matchers.bm25 import BM25
from likewise.runs.folder import read_result
from likewise.runs.train import train

WORDS = ["lamp", "oak", "desk", "of", "wh-1000xm4", "brass"]


def pairs_of(titles: list[str | None]) -> LabelledPairs:
    """Every title beside every title."""
    ids = [str(row) for row in range(len(titles))]
    places = torch.arange(len(titles))
    left, right = torch.cartesian_prod(places, places).T
    catalogue = make_catalogue({"product_id": ids, "title": titles})
    return LabelledPairs({}, left, right, torch.zeros(len(left)), catalogue, places.numpy())


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=2, max_size=6),
    st.floats(0, 3),
    st.floats(0, 1),
)
def test_scores_are_those_of_the_formula(titles: list[str], k1: float, b: float) -> None:
    pairs = pairs_of(titles)
    matcher = BM25(k1, b)
    matcher.fit(pairs.catalogue)
    again = BM25(k1, b)
    again.load_state_dict(matcher.state_dict())
    texts = [title.split() for title in titles]
    mean = np.mean([len(text) for text in texts])
    expected = []
    for query in texts:
        for text in texts:
            score = 0.0
            for word in query:
                documents = sum(word in other for other in texts)
                idf = math.log(1 + (len(texts) - documents + 0.5) / (documents + 0.5))
                times = sum(word == other for other in text)
                if times:
                    score += idf * times / (times + k1 * (1 - b + b * len(text) / mean))
            expected.append(score)
    np.testing.assert_allclose(again.match_pairs(pairs), expected, rtol=1e-5, atol=1e-7)


def test_plurals_and_missing_titles() -> None:
    words = "lamps batteries glass glasses bus gas shelves 3.5mm"
    expected = ["lamp", "battery", "glass", "glasse", "bus", "gas", "shelve", "3.5mm"]
    assert stemmed_words(words) == expected
    pairs = pairs_of(["lamps", None, "lamp"])
    matcher = BM25()
    matcher.fit(pairs.catalogue)
    scores = matcher.match_pairs(pairs).view(3, 3)
    assert scores[0, 0] == scores[0, 2] > 0
    assert not scores[1].any()
    assert not scores[:, 1].any()


def test_what_means_nothing_is_refused() -> None:
    for options in ({"k1": -1.0}, {"b": 1.5}):
        with pytest.raises(LikewiseError, match="at least 0, and b="):
            BM25(**options)
    with pytest.raises(LikewiseError, match="no column title"):
        BM25().fit(Synthetic().load().catalogue.remove_columns("title"))


def test_it_tells_matches_from_other_pairs(tmp_path) -> None:
    options = ["task=matching", "data=synthetic", "matcher=bm25", "logger=none"]
    metrics = read_result(train(compose([*options, f"output={tmp_path}"])))["metrics"]
    always = 2 * 0.5 / 1.5
    assert metrics["test/f1"] > always
