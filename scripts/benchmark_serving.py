"""Latency and memory of ``likewise serve`` under a bounded load on loopback.

The server is a process of its own, for a run of encoder=pixels without training. Each of several
connections asks /similar for the neighbours of a product, one request after the other, so that the
number of requests in progress is the number of connections.

    python scripts/benchmark_serving.py --products 70000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from likewise.experiment.composition import compose
from likewise.runs.train import train
from likewise.runs.versions.live import LiveCatalogue

# Requests that are not measured, for each connection.
WARM_UP = 2
NEIGHBOURS = 12


def trained(products: int, folder: Path, more: Sequence[str]) -> tuple[Path, list[str]]:
    """The folder of a run, and the ids of its products: the first ones of Fashion-MNIST's 70,000.

    All others are deleted from the catalogue of the run.
    """
    parts = ["data=fashion_mnist", "encoder=pixels", "method=none", "logger=none"]
    run = train(compose([*parts, f"output={folder}", *more]))
    live = LiveCatalogue(run)
    ids = list(live.version.catalogue["product_id"][:])
    live.update([], deleted=ids[products:])
    return run, ids[:products]


async def ask(
    host: str, port: int, connection: int, requests: int, ids: Sequence[str]
) -> list[float]:
    """Seconds of each request of one connection, for random products."""
    reader, writer = await asyncio.open_connection(host, port)
    generator = np.random.default_rng(connection)
    times = []
    for number in range(WARM_UP + requests):
        product = ids[generator.integers(len(ids))]
        body = json.dumps({"product_id": product, "k": NEIGHBOURS}).encode()
        head = (
            f"POST /similar HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        started = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.partition(b":")[2])
            for line in answer.splitlines()
            if line.lower().startswith(b"content-length:")
        )
        content = await reader.readexactly(size)
        if number >= WARM_UP:
            times.append(time.perf_counter() - started)
        if not answer.startswith(b"HTTP/1.1 200") or len(json.loads(content)["products"]) < 1:
            raise SystemExit(f"the server answered {answer[:40]!r} {content[:200]!r}")
    writer.close()
    return times


async def load(
    host: str, port: int, connections: int, requests: int, ids: Sequence[str]
) -> tuple[np.ndarray, float]:
    """Seconds of all requests, and from the first to the last one."""
    started = time.perf_counter()
    tasks = (ask(host, port, one, requests, ids) for one in range(connections))
    times = await asyncio.gather(*tasks)
    return np.concatenate(times), time.perf_counter() - started


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process in MB: now, and at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {line.partition(":")[0]: line.split() for line in lines}
    return int(found["VmRSS"][1]) / 1e3, int(found["VmHWM"][1]) / 1e3


def measure(run: Path, ids: Sequence[str], connections: int, requests: int) -> str:
    """A row of the table for a finished run."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "likewise", "serve", str(run), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("page"):
                    break
            else:
                raise SystemExit("the server has not started")
            opened = time.perf_counter() - started
            host, _, port = line.split("//")[1].strip().partition(":")
            resident, _ = memory_mb(server.pid)
            times, whole = asyncio.run(load(host, int(port), connections, requests, ids))
            after, highest = memory_mb(server.pid)
        finally:
            server.send_signal(signal.SIGINT)
    p50, p99 = 1000 * np.percentile(times, [50, 99])
    return (
        f"| {len(ids):,} | {connections} | {len(times):,} | {p50:.1f} | {p99:.1f} | "
        f"{connections * (requests + WARM_UP) / whole:.0f} | {opened:.1f} | {resident:,.0f} | "
        f"{after:,.0f} | {highest:,.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=70_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--requests", type=int, default=50, help="requests of each connection")
    parser.add_argument("overrides", nargs="*", help="overrides of the run, e.g. data.path=…")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run, ids = trained(options.products, Path(folder), options.overrides)
        print(
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.processor() or platform.machine()}, ", end=""
        )
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        print(
            "| products | connections | requests | p50, ms | p99, ms | requests/s | start, s | "
            "memory, MB | after the load, MB | highest, MB |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        print(measure(run, ids, options.connections, options.requests))


if __name__ == "__main__":
    main()
