"""Ranking trees learn from grades what no signal says alone, and tell the same when loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import write_judgements
from sklearn.feature_extraction.text import TfidfVectorizer

from likewise.data.module import ProductModule
from likewise.data.query_pairs import query_pairs
from likewise.data.query_signals import QuerySignals
from likewise.data.relevance import Judgements
from likewise.data.sources.search_relevance import SearchRelevance
from likewise.data.word_statistics import WordStatistics
from likewise.errors import LikewiseError
from likewise.matchers.ranking_trees import RankingTrees


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ProductModule:
    """Products whose grade is 3 where the title has the last word of the query, else 1."""
    folder = tmp_path_factory.mktemp("judgements") / "data"
    write_judgements(folder)
    data = SearchRelevance(str(folder)).load()
    known = data.get(Judgements)
    titles = data.catalogue["title"][:]
    last = [known.queries[place].split()[-1] for place in known.query]
    has = [word in titles[row].split() for word, row in zip(last, known.product, strict=True)]
    grades = np.where(has, 3.0, 1.0)
    return ProductModule(
        replace(data, relevance=(replace(known, grades=grades),)), {}, batch_size=2, seed=0
    )


def test_a_rule_is_learned_and_kept(module: ProductModule) -> None:
    matcher = RankingTrees(n_estimators=60, min_samples_leaf=5)
    known = module.data.get(Judgements)
    assert matcher.learn(module) == 2 * len(known.splits["train"])
    again = RankingTrees(n_estimators=60, min_samples_leaf=5)
    again.load_state_dict(matcher.state_dict())
    rows = known.splits["test"]
    (pairs,) = query_pairs(module, known.queries, known.query[rows], known.product[rows], 1000)
    scores = again.match_pairs(pairs).numpy()
    good = known.grades[rows] == 3
    assert scores[good].min() > scores[~good].max()
    np.testing.assert_array_equal(scores, matcher.match_pairs(pairs).numpy())
    # The seed is that of the run.
    matcher.learn(module)
    np.testing.assert_array_equal(scores, matcher.match_pairs(pairs).numpy())


def test_the_last_signal_is_the_cosine_of_n_grams(module: ProductModule) -> None:
    matcher = RankingTrees()
    matcher.read_words(module.data.catalogue)
    queries, product = ["brass lamps", "desk"], np.array([3, 8, 3])
    query = np.array([0, 0, 1])
    (pairs,) = query_pairs(module, queries, query, product, 10)
    found = matcher.signals(pairs)[:, -1]
    titles = module.data.catalogue["title"][:]
    oracle = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    oracle.fit([*titles, *queries])
    # Document frequencies of the titles alone.
    counts = (oracle.transform(titles) > 0).sum(axis=0)
    oracle.idf_ = np.asarray(np.log((1 + len(titles)) / (1 + counts)) + 1).ravel()
    left = oracle.transform([queries[place] for place in query]).toarray()
    right = oracle.transform([titles[row] for row in product]).toarray()
    np.testing.assert_allclose(found, (left * right).sum(axis=1), atol=1e-6)


def test_signals_of_a_query_and_a_title() -> None:
    titles = [["oak", "shelf", "with", "brass", "lamp"], ["oak", "lamp"], []]
    signals = QuerySignals(WordStatistics.of(titles))
    places = np.array([0, 0]), np.array([1, 2])
    rows = signals([["brass", "lamp"], *titles[:1], []], *places)
    named = dict(zip(signals.names, rows[0].tolist(), strict=True))
    weight = signals.statistics.weight
    assert named["share found"] == named["neighbours"] == named["head found"] == 1
    assert named["first place"] == pytest.approx(3 / 5)
    assert named["last place"] == named["head place"] == pytest.approx(4 / 5)
    assert named["rarest found"] == pytest.approx(weight("brass"))
    assert named["rarest missing"] == named["title's last word asked"] - 1 == 0
    assert named["bm25"] == pytest.approx(
        signals.statistics.bm25(["brass", "lamp"], titles[0]), rel=1e-6
    )
    # Of an empty title nothing is found.
    empty = dict(zip(signals.names, rows[1].tolist(), strict=True))
    assert empty["rarest missing"] == pytest.approx(weight("brass"))
    assert empty["bm25"] == empty["cosine of words"] == empty["share found"] == 0


def test_an_option_out_of_its_range_is_said(module: ProductModule) -> None:
    with pytest.raises(LikewiseError, match=r"matcher=ranking_trees: .*subsample"):
        RankingTrees(subsample=2.0).learn(module)
