"""Kill a study again and again, and see that it ends with the numbers of an undisturbed one.

    python scripts/torture_resume.py --kills 10 -- data.train_size=2000 trainer.max_epochs=3

It runs the study once without interruption, then once with a SIGKILL at random moments, after each
of which it is started again, until it is done. Every run's metrics, per-query scores and weights
must be equal bit for bit, and so must the table's quality columns. The arguments after ``--``
override the config of every run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def start(study: str, folder: Path, overrides: list[str]) -> subprocess.Popen[bytes]:
    """The study in a process of its own, its output in ``log.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "likewise", "study", study, "--output", str(folder)]
    with open(folder / "log.txt", "ab") as log:
        return subprocess.Popen([*command, *overrides], stdout=log, stderr=log)


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for a study that must succeed."""
    if process.wait() != 0:
        sys.exit(f"the study failed; {folder / 'log.txt'} says why")


def outcome(folder: Path) -> dict[str, object]:
    """Everything of a study that must not depend on how often it was interrupted."""
    found: dict[str, object] = {}
    runs = sorted(folder.glob("*/result.json"))
    for path in runs:
        result = json.loads(path.read_text())
        files = ("per_query.parquet", "weights.safetensors", "history.json")
        found[path.parent.name] = (
            result["metrics"],
            result["cost"]["epochs"],
            [hashlib.sha256((path.parent / name).read_bytes()).hexdigest() for name in files],
        )
    with open(folder / "table.csv") as table:
        rows = list(csv.DictReader(table))
    keep = ("method", "seeds", "runs")
    found["table"] = [
        {key: row[key] for key in row if key in keep or key.startswith("test/")} for row in rows
    ]
    return found


def main() -> None:
    """Compare the two studies; status 1 when they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="encoders")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    overrides = ["logger=none", *options.overrides]
    name = Path(options.study).name
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as place:
        peace, war = Path(place) / "peace", Path(place) / "war"
        began = time.perf_counter()
        finish(start(options.study, peace, overrides), peace)
        seconds = time.perf_counter() - began
        print(f"undisturbed: {seconds:.0f} s", flush=True)
        kills, round_, same = 0, 1, True
        while kills < options.kills:
            folder = war / str(round_)
            process = start(options.study, folder, overrides)
            # Long enough to get somewhere, short enough for several kills a round.
            delay = seconds * (0.1 + moments.uniform(0, 1.2 / options.kills))
            try:
                process.wait(delay)
                finish(process, folder)
                # Done before all kills were used up: they go on with the same study from anew.
                same &= outcome(peace / name) == outcome(folder / name)
                round_ += 1
                continue
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            kills += 1
            done = len(list((folder / name).glob("*/result.json")))
            print(f"kill {kills} after {delay:.1f} s: {done} runs finished", flush=True)
        finish(start(options.study, folder, overrides), folder)
        same &= outcome(peace / name) == outcome(folder / name)
    runs = "every run and the table are" if same else "NOT every run or the table is"
    print(f"after {kills} kills {runs} equal to the undisturbed study's, bit for bit")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
