"""Cumulative regret of the methods of the study online_policy, as a Markdown table.

python scripts/measure_online_regret.py runs/online_policy/segments

A policy that learns online pays regret from its first visit, and that of its history counts. The
other methods pay the regret per visit of their test from the first visit; what the search for fixed
weights costs is not counted.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from likewise.runs.folder import read_result


def cumulative_regret(folder: Path) -> tuple[list[int], dict[str, np.ndarray]]:
    """Return numbers of visits and, by method, regret up to there, float64 [seeds, epochs]."""
    runs = sorted(path.parent for path in folder.glob("*/result.json"))
    configs = [OmegaConf.load(run / "config.yaml") for run in runs]
    visits = {one.data.visits.train // one.batch_size * one.batch_size for one in configs}
    epochs = {one.trainer.max_epochs for one in configs}
    if len(visits) != 1 or len(epochs) != 1:
        raise SystemExit(f"{folder} must hold the runs of one study, with as many visits each")
    steps = visits.pop() * np.arange(1, epochs.pop() + 1)
    found = defaultdict(list)
    for run in runs:
        result = read_result(run)
        history = json.loads((run / "history.json").read_text(encoding="utf-8"))
        paid = [row["train/regret"] for row in history]
        regret = np.array(paid) if paid else np.full(len(steps), result["metrics"]["test/regret"])
        found[result["name"]].append(regret.cumsum() * steps[0])
    return steps.tolist(), {name: np.stack(rows) for name, rows in found.items()}


def main() -> None:
    """Print the means over seeds with their sample standard deviation."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: measure_online_regret.py FOLDER_OF_RUNS")
    steps, found = cumulative_regret(Path(sys.argv[1]))
    print("| method | seeds |", " | ".join(f"{step:,} visits" for step in steps), "|")
    print("|---|---:|" + "---:|" * len(steps))
    for name, rows in sorted(found.items(), key=lambda item: item[1][:, -1].mean()):
        spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(len(steps))
        values = zip(rows.mean(axis=0), spread, strict=True)
        cells = " | ".join(f"{mean:,.0f} ± {one:,.0f}" for mean, one in values)
        print(f"| {name} | {len(rows)} | {cells} |")


if __name__ == "__main__":
    main()
