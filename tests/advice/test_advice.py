"""Advice: the rules of nearness and ranking, the table of evidence, and the verb."""

from __future__ import annotations

import json
import runpy
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likewise.advice.evidence import (
    EvidenceTable,
    Measured,
    MeasuredData,
    shipped_evidence,
)
from likewise.advice.fitting import obstacle
from likewise.advice.profile import DataProfile, Supervision, describe_data, distance
from likewise.advice.ranking import by_score, leading, parse_time
from likewise.advice.tasks import allowed_tasks, kindred, task_classes
from likewise.cli import main
from likewise.data.catalogue import ProductData
from likewise.data.relevance import Events
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose

ROOT = Path(__file__).resolve().parents[2]
ROW = Measured(
    study="s",
    method="a",
    data="data=synthetic",
    task="matching",
    setting=(),
    overrides=("matcher=signals",),
    primary="f1",
    label="F1",
    score=0.9,
    spread=0.01,
    interval=(0.88, 0.92),
    not_worse=True,
    seconds=100.0,
    seeds=3,
    device="AMD EPYC",
    accelerator="cpu",
)


def names(rows: list[Measured], scale: float = 1.0, budget: float | None = None) -> list[str]:
    """The methods to start from."""
    return [one.measured.method for one in leading(iter(by_score(rows, scale, budget)))]


def test_ranking_by_hand() -> None:
    best = ROW
    close = replace(ROW, method="close", score=0.89, seconds=40.0)
    worse = replace(ROW, method="worse", score=0.80, seconds=10.0, not_worse=False)
    # .89 is at least .98 × .9 = .882, not significantly worse, and 40 s are at most half of 100 s.
    assert names([worse, best, close]) == ["close", "a"]
    assert names([best, replace(close, seconds=60.0)]) == ["a", "close"]
    assert names([best, replace(close, score=0.88)]) == ["a", "close"]
    assert names([best, replace(close, not_worse=False)]) == ["a", "close"]
    # A paired test says nothing of a method of another study.
    assert names([best, replace(close, study="other")]) == ["a", "close"]
    # Twice the data take twice the time: 80 s and 20 s are within 90 s, and 200 s are not.
    assert names([best, close, worse], 2.0, 90.0) == ["close", "worse"]
    # Nothing takes at most 5 s, so the quickest comes first.
    assert names([best, close, worse], 1.0, 5.0) == ["worse", "close"]
    assert names([]) == []


def test_a_method_that_was_worse_on_other_data_does_not_take_the_place_of_the_best() -> None:
    quick = replace(ROW, method="quick", score=0.89, seconds=5.0, overrides=("matcher=bm25",))
    close = replace(ROW, method="close", score=0.89, seconds=40.0)
    ordered = by_score([ROW, quick, close], 1.0, None)
    assert [one.measured.method for one in leading(iter(ordered))] == ["quick", "a"]
    found = leading(iter(ordered), worse={("matcher=bm25",)})
    assert [one.measured.method for one in found] == ["close", "a"]
    # It stays the second choice, or the first where nothing else was measured.
    found = leading(iter(by_score([ROW, quick], 1.0, None)), worse={("matcher=bm25",)})
    assert [one.measured.method for one in found] == ["a", "quick"]


@pytest.mark.parametrize(("text", "seconds"), [("10min", 600), ("2h", 7200), ("90 s", 90)])
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


def test_distance_by_hand() -> None:
    pictures = DataProfile(100, ("image",), None, 0.0, {})
    texts = DataProfile(1000, ("text", "image"), "LATIN", 10.0, {})
    few, many = Supervision(100, 10.0, 0.0), Supervision(10_000, 1.0, 0.25)
    # Two factors of ten in units, one in units per group, and .25 in unseen products.
    assert distance(pictures, texts, few, many) == (0.5, 3.25)
    # Without labels, products count: a factor of ten.
    assert distance(pictures, texts, None, many) == (0.5, 1.0)
    chinese = replace(texts, script="CJK", words=100.0)
    assert distance(texts, chinese, None, None) == (0.0, 2.0)
    assert distance(texts, texts, few, few) == (0.0, 0.0)


def test_profile_of_synthetic_data() -> None:
    data = Synthetic(products=60, groups=6, users=8, events=5, image_size=8).load()
    profile = describe_data(data)
    assert profile.products == 60
    assert profile.script == "LATIN"
    assert {"image", "text", "attributes"} <= {*profile.modalities}
    for relevance in data.relevance:
        known = profile.supervision[type(relevance).__name__]
        assert known.units == len(relevance.splits["train"])
    groups = next(one for one in data.relevance if type(one).__name__ == "Groups")
    rows = groups.splits["train"]
    expected = len(rows) / len({*groups.labels[rows].tolist()})
    assert profile.supervision["Groups"].density == round(expected, 2)
    assert DataProfile.of(json.loads(json.dumps(profile.facts()))) == profile


def test_tasks_that_data_allow() -> None:
    data = Synthetic(products=60, groups=6, users=8, image_size=8).load()
    allowed = allowed_tasks(data)
    assert {"matching", "retrieval", "recommendation"} <= {*allowed}
    assert "faithfulness" not in allowed
    assert allowed.index("retrieval") < allowed.index("updating")
    assert allowed.index("recommendation") < allowed.index("updating_by_time")
    classes = task_classes()
    assert kindred("cross_sell", classes) == {"recommendation"}
    assert kindred("off_policy", classes) == set()


@pytest.mark.parametrize(
    ("recommender", "unordered", "new"),
    [
        ("item_knn", None, "test products with events in training"),
        ("cooccurrence", "the order of events in time", "test products with events in training"),
        ("attribute_content", None, None),
    ],
)
def test_needs_of_recommenders(
    recommender: str,
    unordered: str | None,
    new: str | None,
    event_maker: Callable[..., ProductData],
) -> None:
    config = compose(["task=recommendation", "data=synthetic", f"recommender={recommender}"])
    data = event_maker(6, [[0, 1, 2], [1, 2, 3], [4, 0, 5]])
    (events,) = data.relevance
    assert isinstance(events, Events)
    assert obstacle(config, data) is None
    without = replace(data, relevance=(replace(events, ordered=False),))
    assert obstacle(config, without) == unordered
    # The last event of each person is the test; two of the three products are new.
    splits = {"train": np.array([0, 1, 3, 4, 6, 7]), "test": np.array([2, 5, 8])}
    cold = replace(data, relevance=(replace(events, splits=splits),))
    assert obstacle(config, cold) == new


def test_the_table_is_in_step_with_the_results_pages() -> None:
    """If this fails, run scripts/collect_evidence.py, see CONTRIBUTING.md."""
    collect = runpy.run_path(str(ROOT / "scripts" / "collect_evidence.py"))
    shipped = shipped_evidence()
    rows = collect["measured_rows"](ROOT / "experiments")
    assert [replace(row, parts={}) for row in shipped.rows] == rows
    assert {row.data for row in rows} == {*shipped.data}
    text = (ROOT / "experiments" / "evidence.json").read_text(encoding="utf-8")
    assert shipped.to_json() == text


def test_rows_hold_what_the_page_says() -> None:
    rows = {(row.study, row.method): row for row in shipped_evidence().rows}
    arcface = rows["losses", "arcface"]
    assert (arcface.score, arcface.spread, arcface.seeds) == (0.5887, 0.0138, 3)
    assert arcface.interval == (0.5535, 0.6240)
    assert arcface.seconds == 13.5
    # What the search chose belongs to the composition.
    assert "loss.scale=5.5" in arcface.overrides
    assert arcface.parts["loss"] == "arcface"
    assert arcface.not_worse
    assert rows["losses", "triplet"].not_worse is False
    # One method, so nothing was tested.
    assert rows["small_cnn", "soft_cross_entropy"].not_worse is None
    assert any("MiniLM" in caution for caution in rows["search", "fused_minilm"].cautions)


def test_a_data_set_can_be_left_out() -> None:
    data = {
        "data=a": MeasuredData("a", DataProfile(1, (), None, 0.0, {})),
        "data=a data.size=1": MeasuredData("a", DataProfile(1, (), None, 0.0, {})),
        "data=b": MeasuredData("b", DataProfile(1, (), None, 0.0, {})),
    }
    table = EvidenceTable(data, [replace(ROW, data=key) for key in data])
    assert [row.data for row in table.without(["a"]).rows] == ["data=b"]
    with pytest.raises(LikewiseError, match="it has a, b"):
        table.without(["c"])


def test_the_verb_gives_a_command_that_composes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["data=synthetic", "data.products=120", "data.groups=12", "task=matching"]
    assert main(["advise", *arguments, "--budget", "10min", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    words = shlex.split(found["command"])
    assert words[:2] == ["likewise", "train"]
    assert {*arguments, "trainer.accelerator=cpu"} <= {*words}
    assert compose(words[2:]).primary == "f1"
    assert found["parts"]["matcher"]["choice"] == found["evidence"][0]["parts"]["matcher"]
    assert any("factor" in one or "times fewer" in one for one in found["thin"])


def test_unlabelled_products_get_an_untrained_encoder(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "products.csv"
    rows = [f"p{row},a lamp of maker {row % 7} number {row}" for row in range(40)]
    path.write_text("\n".join(["product_id,title", *rows]))
    assert main(["advise", "data=table", f"data.path={path}"]) == 0
    out = capsys.readouterr().out
    assert "likewise similar" in out
    assert "nothing can be trained or tested" in out


MISTAKES = {
    "no data": ([], "say which data"),
    "unknown data": (["data=nowhere"], "data/nowhere"),
    "unreadable budget": (["data=synthetic", "--budget", "soon"], "10min or 2h"),
    "no budget": (["data=synthetic", "--budget", "0s"], "above 0"),
    "unknown task": (["data=synthetic", "task=guess"], "task=guess is unknown"),
    "explanations": (["data=synthetic", "task=faithfulness"], "judges explanations"),
    "other relevance": (["data=synthetic", "task=off_policy"], "needs logged feedback"),
    "strange data": (["data=synthetic", "--without", "moon"], "--without moon"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, expected = MISTAKES[name]
    assert main(["advise", *arguments]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.startswith("likewise: ")
    assert error.count("\n") == 1
