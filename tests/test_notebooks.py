"""The notebooks run from top to bottom, on small data, and draw what they speak of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
# What each notebook prints, and the names of its figures.
SHOWN = {
    "quickstart": ("query", ["figure"]),
    "own_catalogue": ("bag has the highest mAP@R", ["figure", "after"]),
    "matching": ("With probability at least 0.9", ["figure", "reasons"]),
    "recommendation": ("hybrid has the highest nDCG@10", ["figure"]),
}
VERDICT = "from_config_to_verdict"


def executed(name: str, **settings: Any) -> dict[str, Any]:
    """The names of a notebook after its cells; ``settings`` replace its first cell of code."""
    path = FOLDER / f"{name}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert all(sources[0].find(name) >= 0 for name in settings)
    names = dict(settings)
    for source in sources[1:]:
        exec(compile(source, str(path), "exec"), names)
    return names


def test_every_notebook_is_executed() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {VERDICT, *SHOWN}


def test_verdict(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    names = executed(VERDICT, overrides=small)
    assert "highest mAP@R" in capsys.readouterr().out
    assert len(names["folders"]) == 4
    assert names["rows"].shape == (60, 5)


@pytest.mark.parametrize("name", SHOWN)
def test_notebook_prints_and_draws(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, Any] = {"output": str(tmp_path)}
    if name == "own_catalogue":
        settings["seeds"] = (0,)
    names = executed(name, **settings)
    text, figures = SHOWN[name]
    assert text in capsys.readouterr().out
    for figure in figures:
        names[figure].canvas.draw()
        assert np.ptp(np.asarray(names[figure].canvas.buffer_rgba())) > 0
