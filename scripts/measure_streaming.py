"""Memory, time and scores of training on pictures that are in memory, or streamed.

It draws pictures of 224 x 224 pixels into JPEG files with a table, stores them as ``data=table``
does, and trains one epoch of a small CNN twice: with ``memory_budget=1GB`` and ``null``. Each step
is a process of its own. Memory is the largest sum, over the process and its workers, of private and
shared memory (``Pss_Anon`` and ``Pss_Shmem`` of Linux) over that after the imports; pages of mapped
files, which the system can reclaim, are not included and are printed next to it.

    python scripts/measure_streaming.py --products 20000
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, BLOCK = 224, 28
PRODUCTS_A_GROUP = 50
SETTINGS = [
    "data=table",
    f"data.image_size={SIDE}",
    "encoder=cnn",
    "encoder.channels=[4,8,16,32]",
    "encoder.convolutions=[1,1,1,1]",
    "embedding_size=32",
    "batch_size=64",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "logger=none",
]


def draw(folder: Path, products: int) -> None:
    """JPEG files and ``products.csv``: a pattern of each group, moved and under noise."""
    generator = np.random.default_rng(0)
    side = SIDE // BLOCK
    patterns = generator.integers(0, 200, (products // PRODUCTS_A_GROUP, side, side, 3), np.uint8)
    with (folder / "products.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["product_id", "image", "group"])
        for product in range(products):
            group = product % len(patterns)
            noise = generator.integers(0, 56, (side, side, 3), np.uint8)
            coarse = np.roll(patterns[group] + noise, generator.integers(0, 2, 2), (0, 1))
            pixels = coarse.repeat(BLOCK, 0).repeat(BLOCK, 1)
            Image.fromarray(pixels).save(folder / f"{product}.jpg", quality=85)
            table.writerow([product, f"{product}.jpg", f"group {group}"])


def store(folder: Path, _: list[str]) -> dict[str, float]:
    """Read the table for the first time."""
    from likewise.experiment.composition import compose
    from likewise.experiment.data import load_data

    data = load_data(compose([*SETTINGS, f"data.path={folder / 'products.csv'}"]))
    return {"products": len(data.catalogue)}


def train(folder: Path, overrides: list[str]) -> dict[str, float]:
    """Scores of a run."""
    from likewise.experiment.composition import compose
    from likewise.runs.train import train as train_run

    with tempfile.TemporaryDirectory() as output:
        place = [f"data.path={folder / 'products.csv'}", f"output={output}"]
        run = train_run(compose([*SETTINGS, *place, *overrides]))
        result = json.loads((run / "result.json").read_text())
    return {**result["metrics"], "train_seconds": result["cost"]["train_seconds"]}


def measured(
    step: Callable[[Path, list[str]], dict[str, float]], folder: Path, overrides: list[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """What a step returned in a process of its own, and its seconds and megabytes."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_child, args=(step, folder, overrides, there))
    process.start()
    # One process imports, the other looks at it before it goes on.
    here.recv()
    before = _memory(process.pid)
    peak = dict(before)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            now = _memory(process.pid)
            peak.update({key: max(peak[key], now[key]) for key in peak})

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    here.send("go")
    try:
        found = here.recv()
    finally:
        done.set()
        watcher.join()
    seconds = time.perf_counter() - started
    process.join()
    cost = {key: (peak[key] - before[key]) / 1e6 for key in peak}
    return found, {"seconds": seconds, **cost}


def _child(step: Any, folder: Path, overrides: list[str], pipe: Connection) -> None:
    # What is imported here takes no part of the memory that is measured.
    import_module("likewise.runs.train")
    pipe.send("imported")
    pipe.recv()
    pipe.send(step(folder, overrides))


def _memory(process: int | None) -> dict[str, float]:
    """Bytes of a process and its children: its own, and of files that are mapped into it."""
    found = {"own": 0.0, "mapped": 0.0}
    for one in [process, *_children(process)]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            # It ended in the meantime.
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        found["own"] += 1024 * (kilobytes["Pss_Anon"] + kilobytes["Pss_Shmem"])
        found["mapped"] += 1024 * kilobytes["Pss_File"]
    return found


def _children(process: int | None) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            continue
    return found


def main() -> None:
    """Print what each step took."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--products", type=int, default=20_000)
    options.add_argument("--budget", default="1GB")
    chosen = options.parse_args()
    size = chosen.products * 3 * SIDE**2 / 1e9
    print(f"{date.today()}, {chosen.products:,} pictures, {size:.2f} GB of pixels")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["LIKEWISE_CACHE"] = str(folder / "cache")
        draw(folder, chosen.products)
        steps: list[tuple[str, Any, list[str]]] = [
            ("store", store, []),
            (f"memory_budget={chosen.budget}", train, [f"memory_budget={chosen.budget}"]),
            ("memory_budget=null", train, []),
        ]
        scores = []
        for name, step, overrides in steps:
            found, cost = measured(step, folder, overrides)
            costs = f"{cost['own']:,.0f} MB (and {cost['mapped']:,.0f} MB of mapped files)"
            print(f"{name}: {cost['seconds']:.0f} s, {costs}, {found}", flush=True)
            found.pop("train_seconds", None)
            scores.append(found)
    print("the scores are", "equal" if scores[1] == scores[2] else "NOT equal")


if __name__ == "__main__":
    main()
