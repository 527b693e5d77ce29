"""The measurement of the order of product numbers."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from likewise.data.histories import Histories

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> dict:
    return runpy.run_path(str(ROOT / "experiments" / "amazon_beauty" / "measure_artefact.py"))


def test_ranks_leave_the_history_out_and_break_ties_by_one_order(script: dict):
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 4, (20, 15)).astype(np.float32)
    rows = [generator.permutation(15)[:4] for _ in range(20)]
    asked, targets = Histories.of([row[:3] for row in rows]), np.array([row[3] for row in rows])
    tie = np.random.default_rng(0).permutation(15)
    for person, rank in enumerate(script["target_ranks"](scores, asked, targets)):
        left = set(range(15)) - set(rows[person][:3].tolist())
        ranked = sorted(left, key=lambda row: (-scores[person, row], tie[row]))
        assert ranked.index(targets[person]) == rank


def test_co_occurrence_by_the_number_reads_the_number_and_not_the_order(script: dict):
    numbers = np.array([2, 0, 1])
    asked = Histories.of([[0], [1], [2]])
    forth, back = Histories.of([[0, 1, 2]] * 3), Histories.of([[2, 1, 0]] * 3)
    one, other = (script["cooccurrence"](train, 3, numbers)(asked) for train in (forth, back))
    np.testing.assert_allclose(one, other)
    # Product 1 has the lowest number: the others are ahead of it.
    assert one[1, 0] == pytest.approx(5 * one[0, 1])
    by_order = script["cooccurrence"](forth, 3, None)(asked)
    assert by_order[0, 1] == pytest.approx(5 * by_order[1, 0])
