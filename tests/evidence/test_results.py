"""Finished runs are read, summarised and tabulated."""

from __future__ import annotations

import csv
import io
import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import LikewiseError
from likewise.evidence.results import doubts, read_finished, summarise, told_apart
from likewise.report.columns import further_columns, main_columns
from likewise.report.tables import Leaders, to_csv, to_latex, to_markdown
from likewise.report.terminal import print_table

SCORES = {"mlp": [0.51, 0.55, 0.53], "cnn_big": [0.71, 0.69, 0.76], "rnn": [0.6]}


def write_run(folder: Path, name: str, seed: int, score: float, **changes: object) -> None:
    """A finished run's ``result.json``."""
    folder.mkdir(parents=True)
    content = {
        "id": f"{seed:012x}",
        "name": name,
        "study": "synthetic",
        "seed": seed,
        "metrics": {"test/map_at_r": score, "test/recall_at_1": score / 2, "test/odd": 1.0},
        "specifications": {
            "map_at_r": {"label": "mAP@R"},
            "recall_at_1": {"label": "R@1"},
            "odd": {"label": "odd", "higher_is_better": False, "high": 2.0},
        },
        "cost": {"parameters": 1000 * len(name), "train_seconds": 3.0 + seed, "peak_memory_mb": 9},
        "environment": {"python": "3.12", "packages": {"torch": "2.11"}},
    }
    (folder / "result.json").write_text(json.dumps(content | changes))


def markdown(folder: Path, primary: str, leaders: Leaders | None = None) -> str:
    """All columns of a folder's runs as one pipe table."""
    summaries = summarise(read_finished(folder), primary)
    shown = [*main_columns(summaries, primary), *further_columns(summaries, primary)]
    return to_markdown(summaries, shown, leaders or {})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three methods, one of them nested deeper and with a single seed; one run unfinished."""
    for name, scores in SCORES.items():
        for seed, score in enumerate(scores):
            parent = tmp_path / "deeper" if name == "rnn" else tmp_path
            write_run(parent / f"{name}-seed{seed}", name, seed, score)
    (tmp_path / "cnn_big-seed9").mkdir()
    return tmp_path


def test_statistics_are_numpys_and_one_seed_has_no_spread(runs: Path) -> None:
    summaries = summarise(read_finished(runs), "map_at_r")
    assert [row.name for row in summaries] == ["cnn_big", "rnn", "mlp"]
    for row in summaries:
        found, scores = row.metrics["test/map_at_r"], SCORES[row.name]
        assert row.seeds == row.runs == len(scores)
        assert found.mean == pytest.approx(np.mean(scores))
        if len(scores) == 1:
            assert found.spread is None
        else:
            assert found.spread == pytest.approx(np.std(scores, ddof=1))
            assert found.spread == pytest.approx(statistics.stdev(scores))
    assert summaries[0].cost["train_seconds"].mean == pytest.approx(4)
    assert summaries[0].cost["train_seconds"].spread == pytest.approx(1)


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "a", "name": "b"}', "null"])
def test_broken_result_is_one_sentence_that_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "result.json").write_text(text)
    with pytest.raises(ValueError, match=r"a/result\.json") as caught:
        read_finished(tmp_path)
    assert isinstance(caught.value, LikewiseError)
    assert "\n" not in str(caught.value)


def test_unknown_metric_names_the_known(runs: Path) -> None:
    with pytest.raises(LikewiseError, match="no metric nope; it has map_at_r, odd, recall_at_1"):
        summarise(read_finished(runs), "nope")


def test_nothing_finished_is_an_empty_list(tmp_path: Path) -> None:
    assert read_finished(tmp_path) == []
    assert summarise([], "map_at_r") == []


def test_diverged_run_is_last_and_stops_nothing(runs: Path) -> None:
    write_run(runs / "bad", "bad", 0, float("nan"))
    write_run(runs / "bad1", "bad", 1, 0.99)
    summaries = summarise(read_finished(runs), "map_at_r")
    assert summaries[-1].name == "bad"
    assert "| bad | 2 | – ± – |" in markdown(runs, "map_at_r")


def test_cost_not_measured_is_left_out(runs: Path) -> None:
    write_run(runs / "poor", "poor", 0, 0.1, cost={"parameters": None, "train_seconds": 2})
    poor = summarise(read_finished(runs), "map_at_r")[-1]
    assert "parameters" not in poor.cost
    assert "| poor | 1 | 0.1000 | – | 2.0 | – | 0.0500 | 1.0000 |" in markdown(runs, "map_at_r")


def test_doubts_name_repeated_seeds_and_other_data(runs: Path) -> None:
    results = read_finished(runs)
    assert doubts(results) == ["The methods were not run with the same seeds."]
    write_run(runs / "again", "rnn", 0, 0.7, data_fingerprint="x")
    write_run(runs / "other", "rnn", 1, 0.7, data_fingerprint="y")
    found = " ".join(doubts(read_finished(runs)))
    assert "rnn has more than one run of seed 0" in found
    assert "same data" in found


def test_csv_holds_full_precision_and_an_empty_field_for_no_spread(runs: Path) -> None:
    summaries = summarise(read_finished(runs), "map_at_r")
    text = to_csv(summaries, main_columns(summaries, "map_at_r"))
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(rows["mlp"]["test/map_at_r"]) == summaries[2].metrics["test/map_at_r"].mean
    assert float(rows["mlp"]["test/map_at_r_sd"]) == pytest.approx(statistics.stdev(SCORES["mlp"]))
    assert rows["rnn"]["test/map_at_r_sd"] == ""


def test_markdown_and_latex_mark_the_leaders(runs: Path) -> None:
    summaries = summarise(read_finished(runs), "map_at_r")
    leaders = {"test/map_at_r": ["cnn_big", "mlp"]}
    shown = main_columns(summaries, "map_at_r")
    text = to_markdown(summaries, shown, leaders)
    assert text.startswith("| method | seeds | mAP@R | parameters | train s |")
    assert "| cnn_big | 3 | **0.7200 ± 0.0361** |" in text
    assert "| mlp | 3 | **0.5300 ± 0.0200** |" in text
    # What was not tested, costs among it, has no mark.
    assert text.count("**") == 4
    assert len({line.count("|") for line in text.splitlines() if "|" in line}) == 1
    latex = to_latex(summaries, shown, leaders)
    assert r"cnn\_big & 3 & \textbf{0.7200 $\pm$ 0.0361}" in latex
    assert latex.count(r"\textbf") == 2
    assert latex.count(r"\\") == len(summaries) + 1
    assert [column.label for column in further_columns(summaries, "map_at_r")] == ["R@1", "odd"]


def test_a_threshold_is_chosen_not_measured_and_is_no_column(tmp_path: Path) -> None:
    metrics = {"test/map_at_r": 0.5, "test/threshold": 0.2, "test/distance": 0.3}
    said = {
        "map_at_r": {"label": "mAP@R"},
        "distance": {"label": "mean distance", "higher_is_better": False, "high": 9.0},
    }
    write_run(tmp_path / "near", "near", 0, 0.5, metrics=metrics, specifications=said)
    text = markdown(tmp_path, "map_at_r")
    assert "threshold" not in text
    assert "| mean distance |" in text


def test_scores_without_leaks_stand_beside_the_standard_ones(tmp_path: Path) -> None:
    for name, clean in (("a", 0.4), ("b", 0.6)):
        metrics = {"test/f1": 0.8, "test/recall": 0.7, "test_without_leaks/f1": clean}
        said = {"f1": {"label": "F1"}, "recall": {"label": "recall"}}
        write_run(tmp_path / name, name, 0, 0.5, metrics=metrics, specifications=said)
    head, _, *rows = markdown(tmp_path, "f1").splitlines()
    assert head.startswith("| method | seeds | F1 | F1 without leaks | parameters |")
    assert head.endswith("| recall |")
    assert rows[0].startswith("| a | 1 | 0.8000 | 0.4000 |")
    assert rows[1].startswith("| b | 1 | 0.8000 | 0.6000 |")


@pytest.mark.parametrize(
    "name", ["a_method_with_quite_a_long_name[x]", "cnn loss=SupConLoss trainer.max_epochs=5 of"]
)
def test_printed_table_fits_100_columns_and_breaks_no_name(
    runs: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    costs = {
        "parameters": 123_456_789,
        "flops_per_product": 98_765_432_100,
        "train_seconds": 123_456.7,
        "embed_products_per_second": 1_234_567.8,
    }
    write_run(runs / "long", name, 0, 0.9, cost=costs)
    print_table(
        summarise(read_finished(runs), "map_at_r"), "map_at_r", {"test/map_at_r": {name, "rnn"}}
    )
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    assert "0.9000*" in printed
    assert "0.6000*" in printed
    assert printed.count("*") == 3
    assert "98,765.43" in printed
    assert "…" not in printed
    assert set(name.split()) <= set(printed.split())


def test_runs_of_one_name_are_told_apart_by_their_settings(tmp_path: Path) -> None:
    for seed in (0, 1):
        for loss, margin in (("SupConLoss", None), ("TripletMarginLoss", 0.2)):
            folder = tmp_path / f"{loss}{seed}"
            write_run(folder, "cnn", seed, 0.5)
            part = f"  margin: {margin}\n" if margin else ""
            (folder / "config.yaml").write_text(
                f"seed: {seed}\noutput: {seed}\nloss:\n  _target_: package.{loss}\n{part}"
            )
    write_run(tmp_path / "mlp", "mlp", 0, 0.5)
    names = {run.name for run in told_apart(read_finished(tmp_path))}
    assert names == {"cnn loss=SupConLoss", "cnn loss=TripletMarginLoss", "mlp"}
