"""Time and memory of recommenders and of the verbs that use them, on a large shop made by code.

People have ten events each; a product's popularity falls with the square root of its number. The
recommenders are trained by ``likewise train``, which scores a few people only, as each needs the
scores of the whole catalogue. The library functions behind the verbs are then called many times
with an open run, and each verb is called once from the command line. All in one thread.

    python scripts/measure_behaviour_scale.py --products 1000000 --events 10000000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PER_PERSON = 10
# People whose events are held out to be scored, and labelled pairs of products.
TESTED, PAIRS = 20, 100
SYLLABLES = [a + b for a in "bdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]
NEIGHBOURS = 50
# Runs the command line with some words and gives the seconds that it took.
Command = Callable[..., float]


def words(rows: np.ndarray) -> list[str]:
    """A title of five words for each product, of 10,816 words in all."""
    drawn = np.random.default_rng(1).integers(0, len(SYLLABLES), (len(rows), 5, 2))
    return [" ".join(SYLLABLES[a] + SYLLABLES[b] for a, b in title) for title in drawn.tolist()]


def write_shop(folder: Path, products: int, events: int) -> None:
    """``items.parquet`` and ``sequences.parquet``, and for the search products with titles."""
    generator = np.random.default_rng(0)
    people = events // PER_PERSON
    rows = (products * generator.random(people * PER_PERSON) ** 2).astype(np.int64)
    ends = np.arange(people + 1) * PER_PERSON
    sequences = pa.LargeListArray.from_arrays(pa.array(ends), pa.array(rows)).cast(
        pa.list_(pa.int64())
    )
    ids = [f"A{row}" for row in range(products)]
    nothing = pa.array([[]] * products, pa.list_(pa.string()))
    items = {"item_id": np.arange(products), "asin": ids, "attributes": nothing}
    pq.write_table(pa.table(items), folder / "items.parquet")
    users = {"user_id": np.arange(people), "item_ids": sequences}
    pq.write_table(pa.table(users), folder / "sequences.parquet")
    titles = words(np.arange(products))
    pq.write_table(pa.table({"product_id": ids, "title": titles}), folder / "products.parquet")
    sides = generator.permutation(products)[: 2 * PAIRS].reshape(2, -1)
    size = sides.shape[1]
    pairs = {
        "left_id": [ids[row] for row in sides[0]],
        "right_id": [ids[row] for row in sides[1]],
        "label": np.arange(size) % 2,
        "split": np.array(["train", "validation", "test"])[np.arange(size) // 2 % 3],
    }
    pq.write_table(pa.table(pairs), folder / "pairs.parquet")


def command(*words: str) -> float:
    """Seconds of one call of the command line, in a process of its own."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "likewise", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"likewise {' '.join(words)} failed: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - started


def trained(call: Command, folder: Path, name: str, *options: str) -> Path:
    """The folder of a run."""
    call("train", *options, f"name={name}", "logger=none", f"output={folder}")
    return next((folder / "train").glob(f"{name}-*"))


def milliseconds(call: Callable[[int], Any], calls: int) -> np.ndarray:
    """Elapsed and CPU time of each of some calls, float64 [2, calls]; a first one is not counted.

    The CPU time of the one thread is what the call would take without other work on the machine.
    """
    call(calls)
    found = []
    for number in range(calls):
        started = time.perf_counter(), time.process_time()
        call(number)
        ended = time.perf_counter(), time.process_time()
        found.append([1000 * (b - a) for a, b in zip(started, ended, strict=True)])
    return np.array(found).T


def fit_row(name: str, run: Path) -> str:
    """A row of the table of fits."""
    cost = json.loads((run / "result.json").read_text())["cost"]
    size = (run / "weights.safetensors").stat().st_size / 1e6
    return f"| {name} | {cost['train_seconds']:.1f} | {cost['peak_memory_mb']:,.0f} | {size:,.0f} |"


def call_row(name: str, taken: np.ndarray, cold: float) -> str:
    """A row of the table of calls."""
    (p50, cpu50), (p99, cpu99) = np.percentile(taken, [50, 99], axis=1)
    times = f"{p50:,.1f} / {p99:,.1f} | {cpu50:,.1f} / {cpu99:,.1f}"
    return f"| {name} | {taken.shape[1]} | {times} | {cold:.1f} |"


def measure(
    folder: Path,
    products: int,
    events: int,
    calls: int,
    search_calls: int,
    call: Command = command,
) -> list[str]:
    """The lines of the Markdown tables.

    Args:
        folder: empty, of the data and the runs.
        products, events: numbers of them.
        calls, search_calls: numbers of calls of each function.
        call: runs the command line and gives the seconds that it took.
    """
    from likewise.runs.recommending import cross_sell, recommend
    from likewise.runs.saved import open_run
    from likewise.runs.searching import search

    write_shop(folder, products, events)
    share = TESTED / (events // PER_PERSON)
    shop = [f"data.path={folder}", "data.split_by=cold_users"]
    shop += [f"data.validation_share={share}", f"data.test_share={share}"]
    common = ["task=recommendation", "data=amazon_reviews", *shop]
    runs = {
        name: trained(
            call,
            folder,
            name,
            *common,
            f"recommender={name}",
            f"recommender.neighbours={NEIGHBOURS}",
        )
        for name in ("item_knn", "cooccurrence")
    }
    titles = ["task=matching", "data=table", f"data.path={folder / 'products.parquet'}"]
    titles += [f"data.pairs={folder / 'pairs.parquet'}", "matcher=bm25", "method=none"]
    runs["bm25"] = trained(call, folder, "bm25", *titles, "encoder=none")
    lines = [
        f"{products:,} products and {events:,} events of {events // PER_PERSON:,} people; "
        f"{NEIGHBOURS} neighbours are kept for each product. Measured "
        f"{datetime.now(UTC):%Y-%m-%d} on {processor()}, one thread, load average "
        f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.",
        "",
        "| fit | seconds | peak MB of the process | MB of weights |",
        "|---|---|---|---|",
        *(fit_row(name, runs[name]) for name in ("item_knn", "cooccurrence")),
        "",
        "| function | calls | p50 / p99 ms | CPU p50 / p99 ms | seconds of the verb, cold start |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    generator = np.random.default_rng(2)
    drawn = (products * generator.random((calls + 1, 5)) ** 2).astype(int)
    histories = [[f"A{row}" for row in dict.fromkeys(rows)] for rows in drawn.tolist()]
    found = []
    for name in ("item_knn", "cooccurrence"):
        run = open_run(runs[name])
        taken = milliseconds(lambda n, run=run: recommend(run, histories[n], 10), calls)
        cold = call("recommend", str(runs[name]), f"--history={','.join(histories[0])}")
        found.append(call_row(f"recommend, {name}", taken, cold))
        print(found[-1], flush=True)
        taken = milliseconds(lambda n, run=run: cross_sell(run, histories[n][:2], 10), calls)
        cold = call("cross-sell", str(runs[name]), f"--basket={','.join(histories[0][:2])}")
        found.append(call_row(f"cross-sell, {name}", taken, cold))
        print(found[-1], flush=True)
        del run
    run = open_run(runs["bm25"])
    queries = [" ".join(title.split()[:2]) for title in words(np.arange(search_calls + 1))]
    taken = milliseconds(lambda n: search(run, queries[n], 10), search_calls)
    found.append(call_row("search, bm25", taken, call("search", str(runs["bm25"]), queries[0])))
    print(found[-1], flush=True)
    return [*lines, *found]


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if (info.is_file())
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor()


def main() -> None:
    """Print the tables and write them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--search-calls", type=int, default=200)
    parser.add_argument("--to", type=Path, help="Markdown file of the tables")
    options = parser.parse_args()
    # Before any library starts its threads.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIKEWISE_CACHE"] = f"{folder}/cache"
        lines = measure(
            Path(folder), options.products, options.events, options.calls, options.search_calls
        )
    if options.to is not None:
        options.to.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
