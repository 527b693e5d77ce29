"""``scripts/measure_behaviour_scale.py`` on a tiny shop, with the command line in this process."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from likewise.cli import main

SCRIPT = Path(__file__).parents[2] / "scripts" / "measure_behaviour_scale.py"


def test_the_tables_have_a_row_for_each_fit_and_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    specification = importlib.util.spec_from_file_location("measure_behaviour_scale", SCRIPT)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)

    def call(*words: str) -> float:
        assert main(list(words)) == 0, capsys.readouterr().err
        return 0.5

    lines = script.measure(tmp_path, 240, 3000, calls=3, search_calls=2, call=call)
    assert lines[0].startswith("240 products and 3,000 events of 300 people")
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    fits, calls = rows[1:3], rows[4:]
    assert [row[0] for row in fits] == ["item_knn", "cooccurrence"]
    assert [row[:2] for row in calls] == [
        ["recommend, item_knn", "3"],
        ["cross-sell, item_knn", "3"],
        ["recommend, cooccurrence", "3"],
        ["cross-sell, cooccurrence", "3"],
        ["search, bm25", "2"],
    ]
    times = np.array([[float(x) for x in row[2].split(" / ")] for row in calls])
    assert (times[:, 0] > 0).all()
    assert (times[:, 0] <= times[:, 1]).all()
