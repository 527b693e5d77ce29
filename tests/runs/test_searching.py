"""``likewise search``: the best products of the whole catalogue for a query."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_judgements

from likewise.cli import main
from likewise.data.word_statistics import WordStatistics
from likewise.experiment.composition import compose
from likewise.runs import searching
from likewise.runs.saved import SavedRun, open_run
from likewise.runs.train import train

QUERY = "brass lamps & oak"


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of all runs here."""
    folder = tmp_path_factory.mktemp("searching")
    write_judgements(folder / "data")
    data = ["data=search_relevance", f"data.path={folder / 'data'}"]
    return ["task=search", *data, "logger=none", f"output={folder / 'runs'}"]


def opened(options: list[str], *more: str) -> tuple[str, SavedRun]:
    """A run's folder, and the run."""
    folder = train(compose([*options, *more]))
    return str(folder), open_run(folder)


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:
    """What the verb prints as JSON."""
    capsys.readouterr()
    assert main(["search", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_bm25_finds_what_the_formula_finds(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run = opened(options, "matcher=bm25")
    titles = [title.split() for title in run.data.catalogue["title"][:]]
    statistics = WordStatistics.of(titles)
    scores = np.array([statistics.bm25(["brass", "lamp", "oak"], title) for title in titles])
    best = np.argsort(-scores, kind="stable")
    ids = run.data.catalogue["product_id"][:]
    hits = found(capsys, folder, QUERY, "--top-k", "7")
    assert [hit["product_id"] for hit in hits] == [ids[row] for row in best[:7]]
    np.testing.assert_allclose([hit["score"] for hit in hits], scores[best[:7]], rtol=1e-6)
    assert hits[0]["title"].split() == titles[best[0]]
    # Without the first, the others move up.
    rest = found(capsys, folder, QUERY, "--top-k", "6", "--exclude", ids[best[0]])
    assert rest == hits[1:]
    stock = Path(folder) / "out_of_stock.txt"
    stock.write_text(f"{ids[best[0]]}\nnothing\n")
    assert found(capsys, folder, QUERY, "--top-k", "6", "--exclude-file", str(stock)) == rest
    assert main(["search", folder, QUERY, "--top-k", "1"]) == 0
    line = f"  1  {scores[best[0]]:8.4f}  {ids[best[0]]}  {hits[0]['title']}\n"
    assert capsys.readouterr().out == line
    assert main(["search", folder, "zebra"]) == 0
    assert capsys.readouterr().out == "no product has a word of the query\n"


def test_embeddings_of_the_whole_catalogue_are_searched(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run = opened(options, "encoder=tfidf", "text=tfidf", "method=none")
    run.model.index(run.data.catalogue)
    expected = run.model.search("brass lamp", k=5)
    hits = found(capsys, folder, "brass lamp", "--top-k", "5")
    scores = [score for _, score in expected]
    np.testing.assert_allclose([hit["score"] for hit in hits], scores, atol=1e-6)


def test_a_matcher_of_pairs_ranks_the_best_by_bm25_anew(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "CANDIDATES", 20)
    few = [
        hit["product_id"]
        for hit in found(capsys, opened(options, "matcher=bm25")[0], QUERY, "--top-k", "20")
    ]
    folder, run = opened(options, "matcher=ranking_trees", "matcher.n_estimators=10")
    hits = found(capsys, folder, QUERY, "--top-k", "30")
    assert {hit["product_id"] for hit in hits} == set(few)
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    match = run.model.match([QUERY] * 20, [hit["title"] for hit in hits])
    np.testing.assert_allclose(scores, match, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([" & "], "the query has no words"),
        ([""], "the query has no words"),
        ([QUERY, "--top-k", "0"], "--top-k 0 must be at least 1"),
        ([QUERY, "--exclude", "nothing"], "--exclude nothing: the catalogue has no such product"),
    ],
)
def test_mistakes_are_said_in_a_sentence(
    arguments: list[str], message: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = opened(options, "matcher=bm25")
    assert main(["search", folder, *arguments]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"likewise: {message}")


def test_runs_that_cannot_search_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(tmp_path), QUERY]) == 1
    assert "holds no finished run" in capsys.readouterr().err
    data = ["data=synthetic", "data.users=30"]
    run = train(compose(["task=recommendation", *data, "logger=none", f"output={tmp_path}"]))
    assert main(["search", str(run), QUERY]) == 1
    assert "this run cannot search, as its" in capsys.readouterr().err
