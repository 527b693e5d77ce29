"""Recommending in periods: a worked example, and the strategies by the real command line."""

from __future__ import annotations

from dataclasses import replace
from math import log2
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from conftest import make_events, write_shop, write_timed_ratings

from likewise.cli import main
from likewise.data.catalogue import ProductData
from likewise.data.relevance import Events
from likewise.metrics.recommended_ranks import RecommendationNDCGAtK
from likewise.metrics.updating_by_time import AllProductEvents, NewProductEvents, OldProductEvents
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.updated.base import UpdatedRecommender
from likewise.recommenders.updated.frozen import FrozenRecommender
from likewise.recommenders.updated.retrained import RetrainedRecommender
from likewise.runs.folder import read_result
from likewise.similarity.cosine import Cosine
from likewise.tasks.updating_by_time import UpdatingByTime

# The products and the times of each person; product 3 is new.
SEQUENCES = [[0, 1], [0, 3], [0, 3], [1], [1], [2], [1], [0, 3]]
TIMES = [[0, 2], [0, 5], [0, 3], [0], [0], [0], [1], [0, 3]]
SPLITS = {"train": {0}, "validation": {1}, "test": {2, 3, 5}}


def timed() -> ProductData:
    data = make_events(4, SEQUENCES)
    events = data.get(Events)
    time = np.concatenate(TIMES)
    splits = {name: np.flatnonzero(np.isin(time, list(of))) for name, of in SPLITS.items()}
    table = events.events.add_column("time", time.tolist())
    return replace(data, relevance=(replace(events, events=table, splits=splits),))


@pytest.mark.parametrize(
    ("strategy", "later"), [(FrozenRecommender, 1 / log2(4)), (RetrainedRecommender, 1 / log2(3))]
)
def test_a_worked_example(strategy: type[UpdatedRecommender], later: float) -> None:
    """In training, products 0, 1, 2 and 3 have 4, 2, 1 and 0 people.

    Product 0 is in the history of all who are asked. In period 1, person 0 has product 1 (rank 1),
    and persons 2 and 7 have product 3 (rank 3 of 3). In period 2, person 1 has product 3, which two
    people have by then and product 2 only one: rank 2 after retraining, and rank 3 without.
    """
    metrics = {"new": NewProductEvents(), "old": OldProductEvents(), "seen": AllProductEvents()}
    task = UpdatingByTime(metrics, Cosine(), RecommendationNDCGAtK(10), periods=2)
    module: Any = SimpleNamespace(data=timed(), seed=0)
    task.check_split(module.data, "test")
    scorer = strategy(Popular())
    scorer.learn(module)
    learned = scorer.base.scores(module.data.get(Events).histories(np.arange(3), np.arange(1)))
    result = task.test(scorer, module, "test", torch.device("cpu"))
    assert result.table["unit_id"].tolist() == ["0@1", "20@1", "70@1", "10@2"]
    first = 1 / log2(4)
    new, old = [np.nan, first, first, later], [1.0, np.nan, np.nan, np.nan]
    np.testing.assert_allclose(result.table["new"], new)
    np.testing.assert_allclose(result.table["old"], old)
    np.testing.assert_allclose(result.table["seen"], [1.0, first, first, later])
    assert result.scores["test/new"] == pytest.approx((2 * first + later) / 3)
    assert result.scores["test_period_2/new"] == pytest.approx(later)
    assert "test_period_2/old" not in result.scores
    # The run keeps what was learned from the training split.
    assert learned[0].tolist() == [4, 2, 1, 0]


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_timed_ratings(tmp_path_factory.mktemp("ratings"))


def options(ratings: Path, output: Path, *more: str) -> list[str]:
    data = ["data=amazon_hin", f"data.path={ratings}", "data.test_share=0.4"]
    return [
        "task=updating_by_time",
        *data,
        "task.periods=4",
        "logger=none",
        f"output={output}",
        *more,
    ]


def test_strategies_by_the_command_line(
    ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Added counts are as good as retraining, and both find new products; frozen finds fewer."""
    results, tables = {}, {}
    for name in ("frozen", "appended", "retrained"):
        more = [f"recommender={name}", "recommender@recommender.base=cooccurrence"]
        assert main(["train", *options(ratings, tmp_path, *more)]) == 0
        (folder,) = (tmp_path / "train").glob(f"{name}-*")
        results[name] = read_result(folder)
        tables[name] = pq.read_table(folder / "per_query.parquet")
        table = tables[name]
        assert results[name]["clusters"] == ["person"]
        assert np.unique(table["period"].to_numpy()).tolist() == [1, 2, 3, 4]
        mean = np.nanmean(table["new"].to_numpy())
        assert results[name]["metrics"]["test/new"] == pytest.approx(mean)
        assert results[name]["cost"]["update_seconds"] >= 0
        assert len(results[name]["notes"]) > 1
    assert tables["appended"].select(["unit_id", "period"]) == tables["retrained"].select(
        ["unit_id", "period"]
    )
    for metric in ("new", "old", "seen"):
        found = {name: result["metrics"][f"test/{metric}"] for name, result in results.items()}
        assert found["appended"] == pytest.approx(found["retrained"], abs=1e-6)
    assert results["retrained"]["metrics"]["test/new"] > results["frozen"]["metrics"]["test/new"]
    # The saved run was not changed by its test.
    capsys.readouterr()
    (folder,) = (tmp_path / "train").glob("appended-*")
    assert main(["evaluate", str(folder)]) == 0
    assert f"test/new {results['appended']['metrics']['test/new']:.6f}" in capsys.readouterr().out


MISTAKES = {
    "too many periods": (["task.periods=1000"], "task.periods=1000"),
    "no period": (["task.periods=0"], "task.periods=0 must be at least 1"),
    "another split": (["data.split_by=last"], "choose data.split_by=time"),
    "no strategy": (["recommender=item_knn"], "recommender=frozen, appended or retrained"),
    "a base that does not count": (
        ["recommender=appended", "recommender@recommender.base=popular"],
        "recommender=retrained takes any",
    ),
    "a base trained by steps": (
        ["recommender=frozen", "recommender@recommender.base=sasrec"],
        "fitted to all events at once",
    ),
    "a metric of another task": (
        ["task.measure._target_=likewise.metrics.mrr.MRR", "~task.measure.k"],
        "task.measure must be a metric of metrics=recommendation",
    ),
}


def assert_one_sentence(arguments: list[str], expected: str, capsys: Any) -> None:
    assert main(["train", *arguments]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    assert expected in message


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(
    name: str, ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, expected = MISTAKES[name]
    assert_one_sentence(options(ratings, tmp_path, *more), expected, capsys)
    assert not list(tmp_path.rglob("result.json"))


def test_events_without_times_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = write_shop(tmp_path / "shop")
    arguments = ["task=updating_by_time", "data=amazon_reviews", f"data.path={shop}", "logger=none"]
    expected = "task=updating_by_time needs the times of the events"
    assert_one_sentence([*arguments, f"output={tmp_path}"], expected, capsys)
