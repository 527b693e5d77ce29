"""Precision and recall of the search for near-duplicate texts, against all pairs of real titles.

Titles are drawn twice, at random and as a stretch of the alphabet, which holds many more pairs that
are nearly alike; all their pairs are compared exactly, by their shingles as strings.

    python scripts/benchmark_deduplication.py offers.parquet --column title --jaccard 0.85 0.7
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from likewise.data.distinguishing import distinguishing_key
from likewise.data.text_hash import TextDuplicates, normalised, shingles

BLOCK = 500

Pairs = set[tuple[int, int]]


def all_pairs(texts: list[str], jaccard: float) -> Pairs:
    """Every pair of places whose Jaccard similarity is at least ``jaccard``."""
    names: dict[str, int] = {}
    sets = [[names.setdefault(part, len(names)) for part in shingles(text)] for text in texts]
    sizes = np.array([len(parts) for parts in sets])
    columns = np.concatenate([np.array(parts) for parts in sets])
    ones = np.ones(len(columns), np.int32)
    matrix = csr_array((ones, columns, np.r_[0, np.cumsum(sizes)]), (len(texts), len(names)))
    found: Pairs = set()
    for start in range(0, len(texts), BLOCK):
        both = (matrix[start : start + BLOCK] @ matrix.T).tocoo()
        one, other = both.row + start, both.col
        near = both.data >= jaccard * (sizes[one] + sizes[other] - both.data)
        near &= one < other
        found |= set(zip(one[near].tolist(), other[near].tolist(), strict=True))
    return found


def proposed_pairs(texts: list[str], jaccard: float) -> Pairs:
    """The pairs that ``TextDuplicates`` reports."""
    rows = np.arange(len(texts))
    found: Pairs = set()
    for places, others, _ in TextDuplicates(texts, rows, jaccard).near(rows, rows):
        half = places < others
        found |= set(zip(places[half].tolist(), others[half].tolist(), strict=True))
    return found


def line(draw: str, texts: list[str], jaccard: float) -> str:
    """A row of the table."""
    started = time.process_time()
    found = proposed_pairs(texts, jaccard)
    seconds = time.process_time() - started
    wanted = all_pairs(texts, jaccard)
    right = len(found & wanted)
    precision, recall = right / max(1, len(found)), right / max(1, len(wanted))
    keys = [distinguishing_key(text) for text in texts]
    variants = sum(keys[one] != keys[other] for one, other in wanted)
    return (
        f"| {draw} | {len(texts)} | {jaccard} | {len(wanted)} | {precision:.4f} | {recall:.4f} | "
        f"{variants} | {seconds:.2f} |"
    )


def main() -> None:
    """Print a Markdown table, one row per draw and threshold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a Parquet file with a column of titles")
    parser.add_argument("--column", default="title")
    parser.add_argument("--titles", type=int, default=5000, help="how many to draw")
    parser.add_argument("--jaccard", type=float, nargs="+", default=[0.85])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    column = pq.read_table(options.path, columns=[options.column])[options.column]
    texts = sorted({normalised(text) for text in column.to_pylist() if text} - {""})
    size = min(options.titles, len(texts))
    generator = np.random.default_rng(options.seed)
    start = int(generator.integers(len(texts) - size + 1))
    draws = {
        "random": [texts[row] for row in generator.choice(len(texts), size, replace=False)],
        "alphabetical": texts[start : start + size],
    }
    print(f"{options.path.name}: {len(texts)} distinct {options.column}s\n")
    print("| draw | titles | Jaccard | pairs | precision | recall | of them variants | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for draw, drawn in draws.items():
        for jaccard in options.jaccard:
            print(line(draw, drawn, jaccard), flush=True)


if __name__ == "__main__":
    main()
