"""From the arrival of a product to its being found, in a catalogue of a million products.

Embeddings are made by code, around random centres. One program writes updates of a few products,
some new, some changed, some deleted; the clock runs from the arrival of the products to the moment
at which a search finds the first of them. Then more updates bring the churn to a tenth of the
catalogue, and the index is compared with an exact one. All in one thread.

    python scripts/measure_updates.py --products 1000000
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset

from likewise.data.catalogue import make_catalogue
from likewise.index.base import Index
from likewise.index.exact import ExactIndex
from likewise.index.ivf import IvfIndex
from likewise.runs.versions.incoming import Incoming, arrow_table
from likewise.runs.versions.live import Follower
from likewise.runs.versions.update import Changes, apply_update
from likewise.runs.versions.writing import write_version, writing
from likewise.similarity.cosine import Cosine

DIMENSIONS, CENTRES, SPREAD = 64, 2_000, 0.1
# Products of an update of the timed ones, and neighbours that are found.
UPDATE, NEIGHBOURS = 10, 10
PROBES = (16, 64, 256)


class Shop:
    """Products with embeddings made by code; the price of a product is its row in them."""

    def __init__(self, folder: Path, products: int) -> None:
        self.generator = np.random.default_rng(0)
        self.centres = self.generator.normal(size=(CENTRES, DIMENSIONS))
        self.vectors = np.empty((0, DIMENSIONS), np.float32)
        self.root = folder / "versions"
        self.names = [f"p{row}" for row in range(products)]
        with writing(self.root):
            table = arrow_table(self.drawn(self.names))
            write_version(self.root, None, (table, self.vectors))

    def drawn(self, names: list[str]) -> Dataset:
        """Products of those names with new embeddings."""
        start = len(self.vectors)
        near = self.centres[self.generator.integers(0, CENTRES, len(names))]
        noise = self.generator.normal(size=near.shape)
        new = (near / np.linalg.norm(near, axis=1, keepdims=True)) + SPREAD * noise
        self.vectors = np.concatenate([self.vectors, new.astype(np.float32)])
        titles = [f"product {name} as of {start}" for name in names]
        prices = np.arange(start, len(self.vectors), dtype=float).tolist()
        return make_catalogue({"product_id": names, "title": titles, "price": prices})

    def embed(self, products: Dataset) -> np.ndarray:
        """The embeddings of products, float32 [n, d]."""
        return self.vectors[np.array(products["price"][:]).astype(int)]

    def change(self, size: int) -> tuple[Dataset, list[str]]:
        """Products that are new (half of them) or changed, and as many to delete as are new."""
        chosen = self.generator.choice(len(self.names), size, replace=False)
        changed = [self.names[row] for row in chosen[: size - size // 2]]
        gone = [self.names[row] for row in chosen[size - size // 2 :]]
        new = [f"n{len(self.vectors) + row}" for row in range(size // 2)]
        for row, name in zip(chosen[size - size // 2 :], new, strict=True):
            self.names[row] = name
        return self.drawn([*new, *changed]), gone

    def update(self, follower: Follower, products: Dataset, gone: list[str]) -> Changes:
        """Write an update."""
        named = products["product_id"][:]
        incoming = Incoming(products, named, gone)
        return apply_update(self.root, incoming, self.embed, base=follower.version)


def measure(index: Index, folder: Path, products: int, updates: int) -> list[str]:
    """A row of each table: latencies, and the index after the churn."""
    name = type(index).__name__
    shop = Shop(folder, products)
    started = time.perf_counter()
    follower = Follower(shop.root, index, Cosine())
    opened = time.perf_counter() - started
    times, searches = [], []
    for _ in range(updates):
        arrived, gone = shop.change(UPDATE)
        query = torch.from_numpy(shop.embed(arrived)[:1])
        started = time.perf_counter()
        shop.update(follower, arrived, gone)
        (found,) = follower.search(query, NEIGHBOURS)
        times.append(time.perf_counter() - started)
        if found[0][0] != arrived["product_id"][0]:
            raise SystemExit(f"{name} does not find the new product first but {found[0]}")
        started = time.perf_counter()
        follower.search(query, NEIGHBOURS)
        searches.append(time.perf_counter() - started)
    changed = updates * UPDATE
    step = max(UPDATE, products // 100)
    started = time.perf_counter()
    while changed < products // 10:
        shop.update(follower, *shop.change(min(step, products // 10 - changed)))
        follower.refresh()
        changed += step
    churn = time.perf_counter() - started
    recalls = [f"{recall_against_exact(follower, shop):.4f}"]
    if isinstance(index, IvfIndex):
        recalls = []
        for probes in PROBES:
            index.num_probes = probes
            recalls.append(f"{recall_against_exact(follower, shop):.4f} ({probes} probes)")
    p50, p99 = np.percentile(times, [50, 99])
    s50, s99 = 1000 * np.percentile(searches, [50, 99])
    size = sum(path.stat().st_size for path in shop.root.rglob("*") if path.is_file())
    segments = len(follower.refresh().segments)
    return [
        f"| {name} | {p50:.3f} / {p99:.3f} | {s50:.1f} / {s99:.1f} | {opened:.1f} | "
        f"{index.num_bytes / 1e6:,.0f} | {', '.join(recalls)} | {churn:.1f} | "
        f"{size / 1e6:,.0f} | {segments} |"
    ]


def recall_against_exact(follower: Follower, shop: Shop, queries: int = 100) -> float:
    """The part of the exact nearest products that the index finds, of the current version."""
    version = follower.refresh()
    exact = ExactIndex()
    exact.build(Cosine(), np.arange(len(version.catalogue)), version.embeddings)
    asked = torch.from_numpy(shop.embed(shop.drawn([f"q{row}" for row in range(queries)])))
    ids = version.catalogue["product_id"][:]
    right = exact.search(asked, NEIGHBOURS)[1]
    parts = []
    for found, keys in zip(follower.search(asked, NEIGHBOURS), right, strict=True):
        parts.append(len({name for name, _ in found} & {ids[key] for key in keys}) / NEIGHBOURS)
    return float(np.mean(parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--updates", type=int, default=100, help="timed updates")
    parser.add_argument("--indexes", default="exact,ivf")
    options = parser.parse_args()
    torch.set_num_threads(1)
    indexes = {"exact": ExactIndex, "ivf": IvfIndex}
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.processor() or platform.machine()}, ", end="")
    print(f"{options.products:,} products, load average {os.getloadavg()[0]:.1f}\n")
    print(
        "| index | arrival to found, p50 / p99 s | search, p50 / p99 ms | open, s | index, MB | "
        "recall@10 after 10 % churn | churn, s | versions, MB | segments |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.indexes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            for line in measure(indexes[name](), Path(folder), options.products, options.updates):
                print(line, flush=True)


if __name__ == "__main__":
    main()
