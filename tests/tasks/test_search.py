"""Search: graded judgements, from the metric to the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from conftest import write_judgements
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import ndcg_score

from likewise.cli import main
from likewise.data.catalogue import make_catalogue
from likewise.data.modalities.tfidf import Tfidf
from likewise.data.query_pairs import query_pairs
from likewise.data.relevance import Judgements
from likewise.encoders.tfidf import WeightedBag
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.data import load_data
from likewise.metrics.graded import GradedRanking
from likewise.metrics.graded_ndcg import GradedNDCGAtK
from likewise.runs.folder import read_result
from likewise.runs.saved import open_run
from likewise.runs.train import train
from likewise.similarity.cosine import Cosine


@pytest.fixture
def search(tmp_path: Path) -> list[str]:
    """Overrides for a search run over judgements of pairs of words."""
    folder = tmp_path / "home_depot_search"
    write_judgements(folder)
    return [
        "task=search",
        "data=search_relevance",
        f"data.path={folder}",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path / 'runs'}",
    ]


TFIDF = ["encoder=tfidf", "text=tfidf", "method=none"]
FUSED = ["matcher=ranking_trees", "encoder=tfidf", "text=tfidf", "matcher.n_estimators=20"]


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_ndcg_is_that_of_scikit_learn(k: int, gain: str) -> None:
    generator = np.random.default_rng(k)
    query = np.repeat(np.arange(6), [1, 2, 5, 12, 20, 3])
    # Few values, so that many scores are equal.
    scores = generator.integers(0, 4, len(query)) / 4
    grades = generator.integers(0, 9, len(query)) / 3
    grades[query == 5] = 0
    shuffled = generator.permutation(len(query))
    ranking = GradedRanking(query[shuffled], scores[shuffled], grades[shuffled])
    metric = GradedNDCGAtK(k, gain=gain)
    found = metric.per_query(ranking)
    gains = grades if gain == "linear" else 2**grades - 1
    for number in range(1, 5):
        own = query == number
        expected = ndcg_score(gains[own][None], scores[own][None], k=k)
        assert found[number] == pytest.approx(expected), number
    assert found[0] == 1
    assert np.isnan(found[5])
    assert metric(ranking) == pytest.approx(np.nanmean(found))


def test_a_grade_at_or_below_the_lowest_gains_nothing() -> None:
    query, scores = np.zeros(3, dtype=np.int64), np.array([3.0, 2.0, 1.0])
    ranking = GradedRanking(query, scores, np.array([0.5, 1.0, 2.0]), lowest_grade=1.0)
    found = GradedNDCGAtK(3).per_query(ranking)
    assert found == pytest.approx([0.5])


@pytest.mark.parametrize(
    "make", [lambda: GradedNDCGAtK(0), lambda: GradedNDCGAtK(3, gain="square")]
)
def test_options_that_mean_nothing_are_refused(make: Callable[[], GradedNDCGAtK]) -> None:
    with pytest.raises(LikewiseError):
        make()


def test_tfidf_is_that_of_scikit_learn(tmp_path: Path) -> None:
    titles = ["brass lamp", "brass brass shelf", "oak shelf", "wall", None]
    catalogue = make_catalogue({"product_id": list("abcde"), "title": titles})
    reader = Tfidf(hash_bits=16)
    reader.fit(catalogue, np.arange(3))
    embeddings = WeightedBag(reader.vocabulary_size).embed(
        {"text": reader(catalogue, np.arange(5))}
    )
    counts = CountVectorizer(token_pattern=r"\w+").fit(t or "" for t in titles)
    weights = TfidfTransformer(sublinear_tf=True, norm=None)
    weights.fit(counts.transform(titles[:3]))
    expected = weights.transform(counts.transform(t or "" for t in titles)).toarray()
    found = Cosine().matrix(embeddings)
    unit = expected / np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-12)
    np.testing.assert_allclose(found, unit @ unit.T, atol=1e-6)
    reader.save(tmp_path)
    again = Tfidf(hash_bits=16)
    again.load(tmp_path)
    assert torch.equal(again(catalogue, np.arange(5)), reader(catalogue, np.arange(5)))


def test_a_run_ranks_what_was_graded(search: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *search, *TFIDF]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    scores = read_result(folder)["metrics"]
    # Words in common decide the grades, so words do well, but rarer ones weigh more.
    assert 0.9 < scores["test/ndcg_at_10"] <= 1
    table = pq.read_table(folder / "per_query.parquet").to_pandas()
    assert table["ndcg_at_10"].mean() == pytest.approx(scores["test/ndcg_at_10"])
    for row in table.itertuples():
        assert list(row.similarities) == sorted(row.similarities, reverse=True)
        gains = 2 ** (row.grades - 1) - 1
        expected = ndcg_score(gains[None], row.similarities[None], k=10)
        assert row.ndcg_at_10 == pytest.approx(expected)
    assert main(["evaluate", str(folder)]) == 0
    said = dict(line.split() for line in capsys.readouterr().out.strip().splitlines())
    assert float(said["test/ndcg_at_10"]) == pytest.approx(scores["test/ndcg_at_10"], abs=1e-5)


def test_a_head_that_learned_from_pairs_ranks(
    search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = ["task=matching", "data=synthetic", "matcher=pair_head", "trainer.max_epochs=1"]
    folder = str(train(compose([*search[3:], *pairs, "matcher.dropout=0.5"])))
    for _ in range(2):
        assert main(["evaluate", folder, *search[:3]]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "ndcg_at_10" in line]
    # Nothing is dropped when queries are ranked.
    assert said[0] == said[1]


@pytest.mark.parametrize("parts", [TFIDF, ["encoder=bag", "method=none"]])
def test_pairs_of_queries_and_products_have_the_scores_of_their_embeddings(
    parts: list[str], search: list[str]
) -> None:
    """What scores pairs, and what embeds each query and product once, tell the same."""
    folder = train(compose([*search, *parts]))
    run = open_run(folder)
    judgements = run.data.get(Judgements)
    rows = judgements.splits["test"]
    # Few at a time, so that queries and products stand in several.
    pairs = query_pairs(
        run.module, judgements.queries, judgements.query[rows], judgements.product[rows], size=7
    )
    found = torch.cat([run.scorer.match_pairs(some) for some in pairs]).numpy()
    table = pq.read_table(folder / "per_query.parquet").to_pylist()
    ids = np.array(run.data.catalogue["product_id"][:])[judgements.product[rows]]
    keys = zip(judgements.query[rows], ids, strict=True)
    scores = {(judgements.queries[q], one): s for (q, one), s in zip(keys, found, strict=True)}
    for row in table:
        expected = [scores[row["unit_id"], one] for one in row["products"]]
        np.testing.assert_allclose(row["similarities"], expected, atol=1e-5)


@pytest.mark.parametrize("parts", [["matcher=bm25"], ["matcher=ranking_trees"], FUSED])
def test_a_matcher_of_pairs_ranks_and_is_opened_again(
    parts: list[str], search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(compose([*search, *parts]))
    score = read_result(folder)["metrics"]["test/ndcg_at_10"]
    # The words in common decide the grades.
    assert score > 0.95
    assert main(["evaluate", str(folder)]) == 0
    assert f"test/ndcg_at_10 {score:.6f}\n" in capsys.readouterr().out


def test_the_report_has_the_picture_and_its_caption(search: list[str], tmp_path: Path) -> None:
    for encoder in (TFIDF, ["encoder=bag", "method=none"]):
        train(compose([*search, *encoder]))
    assert main(["compare", str(tmp_path / "runs")]) == 0
    (page,) = tmp_path.rglob("report.html")
    text = page.read_text(encoding="utf-8")
    caption = "Scores of the products of each grade, and nDCG@10 of the queries"
    assert text.count(f"<figcaption>{caption}</figcaption>") == 2
    assert "the highest nDCG@10" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data=synthetic"], "choose data that do, such as data=search_relevance"),
        (["metrics=retrieval", "primary=map_at_r"], "task=search is not scored by recall_at_1"),
        (["method=metric_learning"], "method=none"),
        (["text.hash_bits=40"], "between 1 and 20"),
        (["text.analyzer=letters"], "word or char_wb"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    changes: list[str], message: str, search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [one for one in search if changes[0] != "data=synthetic" or "data" not in one]
    assert main(["train", *options, *TFIDF, *changes]) == 1
    said = capsys.readouterr().err
    assert said.startswith("likewise: ")
    assert message in said


def test_a_split_of_queries_without_products_of_its_own_is_scored(
    search: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where training queries judge every product, those of test have none left."""
    path = Path(search[2].removeprefix("data.path=")) / "judgements.parquet"
    table = pq.read_table(path).to_pydict()
    uid = [number % 12 for number in table["product_uid"]]
    pq.write_table(pa.table(table | {"product_uid": uid}), path)
    folder = train(compose([*search, *TFIDF]))
    score = read_result(folder)["metrics"]["test/ndcg_at_10"]
    capsys.readouterr()
    assert main(["evaluate", str(folder)]) == 0
    assert f"test/ndcg_at_10 {score:.6f}\n" in capsys.readouterr().out
    assert main(["embed", str(folder), "--to", "unused"]) == 1
    assert "have no split test; they have train" in capsys.readouterr().err
    assert main(["evaluate", str(folder), "--split=dev"]) == 1
    assert "have no split dev; they have train, validation, test" in capsys.readouterr().err


def test_queries_are_cleaned_as_titles_are(search: list[str]) -> None:
    """The task and ``Model.search`` read the same text."""
    path = Path(search[2].removeprefix("data.path=")) / "judgements.parquet"
    table = pq.read_table(path).to_pydict()
    # Two spellings of each query, which are one text when clean.
    ends = ("&amp; 5  inches", "& 5 inches")
    asked = [f"{text} {ends[row % 2]}" for row, text in enumerate(table["search_term"])]
    pq.write_table(pa.table(table | {"search_term": asked}), path)
    judgements = load_data(compose([*search, *TFIDF])).get(Judgements)
    assert {text.split(" ", 2)[2] for text in judgements.queries} == {"& 5in"}
    found = pq.read_table(train(compose([*search, *TFIDF])) / "per_query.parquet")
    assert set(found["unit_id"].to_pylist()) <= set(judgements.queries)
    assert np.isfinite(found["ndcg_at_10"].to_numpy()).all()
    typed = load_data(compose([*search, *TFIDF, "cleaning=none"])).get(Judgements)
    assert set(typed.queries) == set(asked)
