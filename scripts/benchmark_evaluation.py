"""Seconds and memory of exact evaluation, top-10 and top-100, compared with other tools.

Every measurement is a process of its own. The contenders take turns, round by round, and the
minimum of each is printed, because other work on a machine can only add time. The data are random
clusters of unit vectors, the same each time. OpenBLAS, which faiss uses, runs with the kernels that
are fastest here; the floor is the multiplication of the same matrices by torch's fastest kernels,
tile by tile, without any ranking.

    python scripts/benchmark_evaluation.py --sizes 10k-10k --contenders likewise,pml --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

DIMENSIONS = 128
# Kernels that OpenBLAS may be told to use ("": its choice), for an old one does not know a new
# processor.
KERNELS = ("", "SkylakeX", "Zen", "Haswell")
TILES = ((4096, 1024), (2048, 2048), (1024, 1024), (512, 4096))
# Queries, gallery (None: leave-one-out) and groups.
SIZES: dict[str, tuple[int, int | None, int]] = {
    "10k-10k": (10_000, 10_000, 1_000),
    "10k-60k": (10_000, 60_000, 10_000),
    "60k-loo": (60_000, None, 10_000),
}
# More take the default of pytorch-metric-learning tens of gigabytes.
MOST_PAIRS = 200_000_000
Data = dict[str, Any]
Contender = Callable[[Data], dict[str, float]]


def make_data(folder: Path, size: str) -> None:
    """Embeddings float32 [n, 128] and groups int64 [n] of both sides as ``.npy`` files."""
    queries, gallery, groups = SIZES[size]
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((groups, DIMENSIONS), dtype=np.float32)
    for side, count in {"queries": queries, "gallery": gallery}.items():
        if count is None:
            continue
        labels = np.arange(count) % groups
        noise = generator.standard_normal((count, DIMENSIONS), dtype=np.float32)
        points = centres[labels] + 1.2 * noise
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        np.save(folder / f"{side}.npy", points)
        np.save(folder / f"{side}_groups.npy", labels)


def load_data(folder: Path) -> Data:
    """What ``make_data`` wrote, as tensors; without a gallery its entries are ``None``."""
    import torch

    data: Data = {}
    for name in ("queries", "queries_groups", "gallery", "gallery_groups"):
        path = folder / f"{name}.npy"
        data[name] = torch.from_numpy(np.load(path)) if path.exists() else None
    return data


def part(data: Data, groups: int = 200) -> Data:
    """The products of the first few groups."""
    few: Data = dict.fromkeys(data)
    for side in ("queries", "gallery"):
        if data[side] is not None:
            labels = data[f"{side}_groups"]
            few[side], few[f"{side}_groups"] = data[side][labels < groups], labels[labels < groups]
    return few


def likewise() -> Contender:
    """Three metrics by ``evaluate_retrieval``."""
    from likewise.metrics.map_at_r import MAPAtR
    from likewise.metrics.r_precision import RPrecision
    from likewise.metrics.recall import RecallAtK
    from likewise.metrics.retrieval import RetrievalMetric, evaluate_retrieval
    from likewise.similarity.cosine import Cosine

    metrics: dict[str, RetrievalMetric] = {
        "recall_at_1": RecallAtK(k=1),
        "map_at_r": MAPAtR(),
        "r_precision": RPrecision(),
    }

    def run(data: Data) -> dict[str, float]:
        return evaluate_retrieval(
            metrics,
            data["queries"],
            data["queries_groups"],
            Cosine(),
            data["gallery"],
            data["gallery_groups"],
        )

    return run


def pml_default() -> Contender:
    """Compute the same metrics by pytorch-metric-learning, which searches the whole gallery."""
    return pml(None)


def pml(k: str | None = "max_bin_count") -> Contender:
    """The same three by its ``AccuracyCalculator`` told to search only as far as they need."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    names = {
        "precision_at_1": "recall_at_1",
        "mean_average_precision_at_r": "map_at_r",
        "r_precision": "r_precision",
    }
    calculator = AccuracyCalculator(include=tuple(names), k=k, device=torch.device("cpu"))

    def run(data: Data) -> dict[str, float]:
        queries, groups = data["queries"], data["queries_groups"]
        alone = data["gallery"] is None
        gallery = queries if alone else data["gallery"]
        others = groups if alone else data["gallery_groups"]
        scores = calculator.get_accuracy(queries, groups, gallery, others, alone)
        return {ours: float(scores[theirs]) for theirs, ours in names.items()}

    return run


def likewise_top(k: int) -> Contender:
    """The k nearest by ``topk_neighbours``."""
    from likewise.similarity.cosine import Cosine
    from likewise.similarity.topk import topk_neighbours

    def run(data: Data) -> dict[str, float]:
        topk_neighbours(data["queries"], data["gallery"], Cosine(), k)
        return {}

    return run


def faiss_top(k: int) -> Contender:
    """The k nearest by faiss's flat index; one more where a query finds itself."""
    import faiss

    def run(data: Data) -> dict[str, float]:
        alone = data["gallery"] is None
        index = faiss.IndexFlatIP(DIMENSIONS)
        index.add((data["queries"] if alone else data["gallery"]).numpy())
        index.search(data["queries"].numpy(), k + alone)
        return {}

    return run


def floor() -> Contender:
    """All dot products in the fastest of a few tile shapes, and nothing done with them."""
    import torch

    from likewise.similarity.multiply import inner_products

    def by_tiles(queries: torch.Tensor, gallery: torch.Tensor, rows: int, columns: int) -> None:
        buffer = torch.empty(rows * columns)
        for a in queries.split(rows):
            for b in gallery.split(columns):
                inner_products(a, b, buffer[: len(a) * len(b)].view(len(a), len(b)))

    x = torch.randn(8192, DIMENSIONS)
    seconds = dict.fromkeys(TILES, float("inf"))
    for _ in range(3):
        for tile in TILES:
            started = time.perf_counter()
            by_tiles(x, x, *tile)
            seconds[tile] = min(seconds[tile], time.perf_counter() - started)
    rows, columns = min(seconds, key=seconds.__getitem__)

    def run(data: Data) -> dict[str, float]:
        gallery = data["queries"] if data["gallery"] is None else data["gallery"]
        by_tiles(data["queries"], gallery, rows, columns)
        return {"rows": rows, "columns": columns}

    return run


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "floor": floor,
    "likewise": likewise,
    "pml-default": pml_default,
    "pml": pml,
    "likewise-top10": partial(likewise_top, 10),
    "faiss-top10": partial(faiss_top, 10),
    "likewise-top100": partial(likewise_top, 100),
    "faiss-top100": partial(faiss_top, 100),
}


def peak_rss() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * 1024


def measure(contender: str, folder: Path) -> dict[str, Any]:
    """Seconds, MB over what imports and data take, and scores, in this process.

    CPU seconds are also given; they vary less while other work is running.
    """
    run = CONTENDERS[contender]()
    data = load_data(folder)
    before = peak_rss()
    # Thread pools and lazy imports are paid for here, but count as memory.
    run(part(data))
    started, worked = time.perf_counter(), time.process_time()
    scores = run(data)
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - worked,
        "megabytes": peak_rss() - before,
        "scores": scores,
    }


def environment(kernel: str) -> dict[str, str]:
    """This process's environment, with OpenBLAS told to use these kernels."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    return kept | ({"OPENBLAS_CORETYPE": kernel} if kernel else {})


def fastest_kernel() -> str:
    """Return the kernel of ``KERNELS`` with which faiss is fastest on this machine."""
    seconds = dict.fromkeys(KERNELS, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        make_data(Path(folder), "10k-10k")
        for _ in range(3):
            for kernel in KERNELS:
                result = measure_apart("faiss-top10", Path(folder), kernel)
                seconds[kernel] = min(seconds[kernel], result["seconds"])
    return min(seconds, key=seconds.__getitem__)


def measure_apart(contender: str, folder: Path, kernel: str) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    command = [sys.executable, __file__, "--measure", contender, "--folder", str(folder)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment(kernel)
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(size: str, contenders: list[str], rounds: int, kernel: str) -> list[str]:
    """Table rows of one size."""
    queries, gallery, _ = SIZES[size]
    if queries * (gallery or queries) > MOST_PAIRS:
        contenders = [name for name in contenders if name != "pml-default"]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        make_data(Path(folder), size)
        for number in range(rounds):
            # Who goes first changes each round; minutes of pml are spent once.
            turn = contenders if number % 2 else contenders[::-1]
            for name in turn:
                if not name.startswith("pml") or number == 0:
                    runs[name].append(measure_apart(name, Path(folder), kernel))
    lines = []
    for name, results in runs.items():
        seconds, cpu = least(results, "seconds"), least(results, "cpu_seconds")
        megabytes = statistics.median(result["megabytes"] for result in results)
        note = "; ".join(notes(name, runs))
        lines.append(f"| {size} | {name} | {seconds:.2f} | {cpu:.2f} | {megabytes:.0f} | {note} |")
    return lines


def least(results: list[dict[str, Any]], what: str) -> float:
    """The smallest of the rounds."""
    return min(result[what] for result in results)


def notes(name: str, runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Compare the time of a contender with that of others."""
    found = []
    if name == "floor":
        shape = runs[name][0]["scores"]
        found.append(f"tiles of {shape['rows']:,} × {shape['columns']:,}")
    seconds = least(runs[name], "seconds")
    other = {
        "likewise": "floor",
        "likewise-top10": "faiss-top10",
        "likewise-top100": "faiss-top100",
    }.get(name)
    if other in runs:
        wall = seconds / least(runs[other], "seconds")
        cpu = least(runs[name], "cpu_seconds") / least(runs[other], "cpu_seconds")
        found.append(f"{wall:.2f} × {other}'s time ({cpu:.2f} × its CPU time)")
    for other in ("pml-default", "pml"):
        if name == "likewise" and other in runs:
            ours, theirs = runs[name][0]["scores"], runs[other][0]["scores"]
            gap = max(abs(ours[key] - theirs[key]) for key in theirs)
            times = least(runs[other], "seconds") / seconds
            found.append(f"{times:.0f} × {other}'s speed, scores differ by {gap:.0e}")
    return found


def processor() -> str:
    """The processor's name, from Linux where it is told there."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def describe_blas() -> None:
    """Print which libraries multiply, and with which kernels, in this process."""
    # A library is described only if it is loaded.
    import_module("faiss")
    import torch
    from threadpoolctl import threadpool_info

    built = re.findall(r"BLAS_INFO=(\w+)", torch.__config__.show())
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"torch {torch.__version__}: BLAS {', '.join(built)}, processor capability {capability}")
    for library in threadpool_info():
        if library["user_api"] == "blas":
            name = Path(library["filepath"]).parent.name + "/" + library["internal_api"]
            kernels = library.get("architecture", "kernels of its own choice")
            print(f"{name} {library['version']}: {kernels}, {library['num_threads']} threads")


def main() -> None:
    """Measure every contender at every size and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(SIZES), help="of " + ", ".join(SIZES))
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--describe", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.folder)))
        return
    if options.describe:
        describe_blas()
        return
    print(f"{date.today()}, {processor()}, {os.cpu_count()} cores, d = {DIMENSIONS}\n")
    kernel = fastest_kernel()
    print(
        f"OpenBLAS's fastest kernels for faiss: {kernel or 'those it chooses itself'}", flush=True
    )
    command = [sys.executable, __file__, "--describe"]
    subprocess.run(command, check=True, env=environment(kernel))
    print("\n| size | contender | seconds | CPU seconds | MB over imports and data | |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes.split(","):
        for line in compare(size, options.contenders.split(","), options.rounds, kernel):
            print(line, flush=True)


if __name__ == "__main__":
    main()
