"""Cumulative regret by hand: one policy that learns and one that does not."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from omegaconf import OmegaConf

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "measure_online_regret.py"


def write_run(folder: Path, name: str, seed: int, regret: float, paid: list[float]) -> None:
    run = folder / f"{name}-seed{seed}-0-0"
    run.mkdir(parents=True)
    config = {"data": {"visits": {"train": 1050}}, "batch_size": 100, "trainer": {"max_epochs": 2}}
    OmegaConf.save(OmegaConf.create(config), run / "config.yaml")
    result = {"name": name, "metrics": {"test/regret": regret}}
    (run / "result.json").write_text(json.dumps(result))
    (run / "history.json").write_text(json.dumps([{"train/regret": one} for one in paid]))


def test_cumulative_regret(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(tmp_path, "learned", seed, 0.1, [0.4, 0.2 + seed / 10])
        write_run(tmp_path, "fixed", seed, 0.3, [])
    steps, found = runpy.run_path(str(SCRIPT))["cumulative_regret"](tmp_path)
    # Ten whole batches of 100 visits per epoch.
    assert steps == [1000, 2000]
    assert found["learned"].tolist() == [pytest.approx([400, 600]), pytest.approx([400, 700])]
    assert found["fixed"][0].tolist() == pytest.approx([300, 600])
