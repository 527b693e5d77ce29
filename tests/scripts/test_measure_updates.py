"""The measurement of updates runs at a small size, and its checks hold."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "measure_updates.py"


def test_updates_are_found_and_exact_search_finds_everything(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("measure_updates", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (line,) = script.measure(script.ExactIndex(), tmp_path / "exact", 2_000, 3)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[0] == "ExactIndex"
    assert cells[5] == "1.0000"
    (line,) = script.measure(script.IvfIndex(), tmp_path / "ivf", 2_000, 3)
    # 256 probes are more than there are clusters.
    assert "1.0000 (256 probes)" in line
