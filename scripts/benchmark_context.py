"""Time and memory of the signals of ``matcher.context=true`` on a made catalogue of two shops.

Each offer of one shop has a twin in the other, with two of its nine words changed.

    python scripts/benchmark_context.py --offers 200000 --pairs 1000
"""

from __future__ import annotations

import resource
import time
from argparse import ArgumentParser

import numpy as np

from likewise.data.catalogue import make_catalogue
from likewise.data.pair_context import PairContext

VOCABULARY = 50_000


def peak_mb() -> int:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def titles(generator: np.random.Generator, half: int) -> list[str]:
    """Titles of both shops: words by Zipf's law and a model number that the twins share."""
    letters = list("abcdefghijklmnopqrstuvwxyz")
    lengths = generator.integers(3, 9, VOCABULARY)
    words = np.array(["".join(generator.choice(letters, length)) for length in lengths])
    share = 1 / np.arange(1, VOCABULARY + 1)
    share /= share.sum()
    first = generator.choice(VOCABULARY, (half, 9), p=share)
    second = first.copy()
    second[:, :2] = generator.choice(VOCABULARY, (half, 2), p=share)
    models = generator.integers(100_000, 10_000_000, half).tolist()
    return [
        " ".join(words[row]) + f" x{model}"
        for shop in (first, second)
        for row, model in zip(shop, models, strict=True)
    ]


def main() -> None:
    """Print the processor's seconds of each stage and the peak memory after it."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--offers", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=1_000)
    options = parser.parse_args()
    generator, half = np.random.default_rng(0), options.offers // 2
    columns = {
        "product_id": [str(row) for row in range(2 * half)],
        "title": titles(generator, half),
        "shop": ["a"] * half + ["b"] * half,
    }
    catalogue, context = make_catalogue(columns), PairContext()
    print(f"catalogue: {peak_mb():,} MB")
    left = generator.integers(0, half, options.pairs)
    stages = {
        "fit": lambda: context.fit(catalogue),
        "vectors and one pair": lambda: context(catalogue, left[:1], left[:1] + half),
        f"{options.pairs:,} pairs": lambda: context(catalogue, left, left + half),
    }
    for name, stage in stages.items():
        start = time.process_time()
        stage()
        print(f"{name}: {time.process_time() - start:.1f} s, {peak_mb():,} MB", flush=True)


if __name__ == "__main__":
    main()
