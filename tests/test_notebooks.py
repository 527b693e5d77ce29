"""The notebooks run from top to bottom, on small data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cells = json.loads(path.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert sources[0].startswith("overrides")
    names: dict[str, Any] = {"overrides": small}
    for source in sources[1:]:
        exec(compile(source, str(path), "exec"), names)
    assert "highest mAP@R" in capsys.readouterr().out
    assert len(names["folders"]) == 4
    assert names["rows"].shape == (60, 5)
