"""Thresholds of promised precision next to those of MAPIE 1.6, an independent implementation.

MAPIE has dependencies of its own, so the check has two steps, each in its environment:

    LIKEWISE_DATA=... python scripts/check_against_mapie.py export FILE.npz DATA...  # with likewise
    python scripts/check_against_mapie.py check FILE.npz                             # with mapie

Both test the same thresholds of probabilities in the same fixed sequence from one start, and take
all pairs as independent, as MAPIE has no clusters. MAPIE's p-value is the smaller one of the exact
binomial tail and Hoeffding's bound; it rounds the number of errors up after a division, so that it
can count one more than there are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

TARGETS = (0.95, 0.9, 0.8)
DELTA = 0.1


def export(path: Path, names: list[str]) -> None:
    """Write probabilities, labels, tested thresholds and our p-values and choices."""
    from measure_thresholds import pool_of
    from scipy.stats import binom

    from likewise.metrics.matching import Calibration
    from likewise.thresholds.base import Cuts, KnownPairs
    from likewise.thresholds.target_precision import TargetPrecision

    found = {}
    for name in names:
        pool = pool_of(name)
        probabilities = Calibration.fit(pool.scores, pool.labels)(pool.scores)
        pairs = KnownPairs(probabilities, pool.labels, pool.clusters)
        cuts = Cuts.of(probabilities)
        false = np.cumsum(pool.labels[cuts.order] == 0)[cuts.declared - 1]
        for target in TARGETS:
            rule = TargetPrecision(target, DELTA, pairs_per_cluster=None, starts=1)
            tested = rule.sequence(cuts.declared)
            key = f"{name} {target}"
            found |= {
                f"{key}|pairs": np.stack([probabilities, pool.labels]),
                f"{key}|tested": cuts.thresholds[tested],
                f"{key}|p": binom.cdf(false[tested], cuts.declared[tested], 1 - target),
                f"{key}|chosen": np.array(rule.decide(pairs).threshold),
            }
    np.savez(path, **found)


def check(path: Path, _: list[str]) -> None:
    """Print both thresholds, and the largest difference of p-values."""
    from mapie.risk_control import BinaryClassificationController

    saved = np.load(path)
    print("| data | target | tested | ours | MAPIE | same | largest difference of p-values |")
    print("|---|---:|---:|---:|---:|---|---:|")
    for key in sorted({name.partition("|")[0] for name in saved.files}):
        name, target = key.split()
        probability, label = saved[f"{key}|pairs"]
        tested, own = saved[f"{key}|tested"], float(saved[f"{key}|chosen"])
        controller = BinaryClassificationController(
            predict_function=lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
            risk="precision",
            target_level=float(target),
            confidence_level=1 - DELTA,
            list_predict_params=tested,
            fwer_method="fixed_sequence",
        ).calibrate(probability[:, None], label.astype(int))
        valid = np.asarray(controller.valid_predict_params)
        theirs = float(valid.min()) if len(valid) else np.inf
        gap = np.abs(np.ravel(controller.p_values) - saved[f"{key}|p"]).max()
        same = "yes" if own == theirs else "no"
        print(
            f"| {name} | {target} | {len(tested)} | {own:.4f} | {theirs:.4f} | {same} | {gap:.1e} |"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["export", "check"])
    parser.add_argument("file", type=Path)
    parser.add_argument("data", nargs="*", help="for export: the data sets, such as abt_buy")
    options = parser.parse_args()
    (export if options.step == "export" else check)(options.file, options.data)
