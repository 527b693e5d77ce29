"""Threshold rules on product matching: promises, profit, categories and drift.

    LIKEWISE_DATA=... OMP_NUM_THREADS=1 python scripts/measure_thresholds.py FOLDER DATA...

trains ``matcher=signals`` on each data set (such as ``abt_buy`` or ``wdc_computers:medium``) and
writes ``FOLDER/DATA.md``. Scores are those of the validation and test pairs, which the matcher has
not seen, pooled. Clusters are those of ``pair_clusters`` by the matches of all splits.

Resampling: as many clusters as half of the pool are drawn with replacement; the rule chooses a
threshold from their pairs, and its true precision is that on the whole pool, the population of the
draw. "Other half": the rule chooses on a random half of the clusters, and the other half tells.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from likewise.experiment.composition import compose
from likewise.metrics.matching import Calibration
from likewise.runs.saved import open_run
from likewise.runs.train import train
from likewise.tasks.matching import categories_of
from likewise.thresholds.adaptive import Adaptive
from likewise.thresholds.base import Cuts, KnownPairs, Threshold, pair_clusters
from likewise.thresholds.best_f1 import BestF1
from likewise.thresholds.max_profit import MaxProfit
from likewise.thresholds.per_category import PerCategory
from likewise.thresholds.target_precision import TargetPrecision

RESAMPLINGS = 200
DELTA = 0.1
COSTS = ((5.0, 1.0), (1.0, 1.0), (1.0, 5.0))
STREAM = 12_000
PARTS = 12


def pool_of(name: str) -> KnownPairs:
    """Train on the training pairs and score the validation and test pairs."""
    data, _, size = name.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        config = compose(
            [
                *("task=matching", "data=product_matching", "matcher=signals", "logger=none"),
                *(f"data.name={data}", f"data.size={size or 'null'}", f"output={folder}"),
            ]
        )
        run = open_run(train(config))
        from likewise.data.relevance import Pairs

        pairs = run.data.get(Pairs)
        clusters = pair_clusters(pairs.left, pairs.right, pairs.labels)
        parts = []
        for split in ("validation", "test"):
            rows = pairs.splits[split]
            scores = run.scorer.match_pairs(run.module.pair_split(split)).double().numpy()
            categories = categories_of(run.module, split)
            parts.append((scores, pairs.labels[rows], clusters[rows], categories))
    scores, labels, clusters, categories = zip(*parts, strict=True)
    known = None if categories[0] is None else np.concatenate(categories)
    return KnownPairs(
        np.concatenate(scores), np.concatenate(labels), np.concatenate(clusters), known
    )


@dataclass(frozen=True)
class Naive(Threshold):
    """The lowest threshold whose precision on validation is at least the target."""

    precision: float

    def decide(self, known: KnownPairs):
        from likewise.thresholds.base import Decision

        cuts = Cuts.of(known.scores)
        hits = np.cumsum(known.labels[cuts.order])[cuts.declared - 1]
        good = np.flatnonzero(hits / cuts.declared >= self.precision)
        return Decision(float(cuts.thresholds[good[-1]]) if len(good) else np.inf)


class Clusters:
    """Draws of whole clusters of a pool."""

    def __init__(self, pool: KnownPairs) -> None:
        self.pool = pool
        order = np.argsort(pool.clusters, kind="stable")
        ends = np.flatnonzero(np.diff(pool.clusters[order])) + 1
        self.rows = np.split(order, ends)

    def bootstrap(self, generator: np.random.Generator) -> KnownPairs:
        """Draw half as many clusters with replacement; two draws of one are two clusters."""
        drawn = generator.integers(len(self.rows), size=len(self.rows) // 2)
        rows = [self.rows[one] for one in drawn]
        own = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
        some = self.pool.some(np.concatenate(rows))
        return KnownPairs(some.scores, some.labels, own, some.categories)

    def halves(self, generator: np.random.Generator) -> tuple[KnownPairs, KnownPairs]:
        """Part the clusters at random."""
        order = generator.permutation(len(self.rows))
        half = len(order) // 2
        both = order[:half], order[half:]
        first, second = (np.concatenate([self.rows[one] for one in part]) for part in both)
        return self.pool.some(first), self.pool.some(second)


def precisions(pairs: KnownPairs, threshold: float) -> tuple[float, float, float]:
    """Return precision by clusters and by pairs, both 1 where nothing is declared, and recall."""
    declared = pairs.scores >= threshold
    if not declared.any():
        return 1.0, 1.0, 0.0
    labels, clusters = pairs.labels[declared], pairs.clusters[declared]
    _, place, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    by_cluster = np.bincount(place, weights=labels) / sizes
    return float(by_cluster.mean()), float(labels.mean()), labels.sum() / pairs.labels.sum()


def promises(clusters: Clusters) -> list[str]:
    """How often the target is kept, and the recall paid."""
    lines = [
        "| target | rule | kept, by clusters | kept, by pairs | kept on the other half, by pairs | "
        "nothing promised | recall | recall of best F1 |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for target in (0.95, 0.9):
        rules: dict[str, Threshold] = {
            "**target_precision**": TargetPrecision(target, DELTA),
            "the same, 1 pair per cluster": TargetPrecision(target, DELTA, 1),
            "the same, pairs taken as independent": TargetPrecision(target, DELTA, None),
            "naive validation threshold": Naive(target),
        }
        for name, rule in rules.items():
            generator = np.random.default_rng(0)
            rows = []
            for _ in range(RESAMPLINGS):
                sample = clusters.bootstrap(generator)
                threshold = rule.decide(sample).threshold
                by_cluster, by_pair, recall = precisions(clusters.pool, threshold)
                best = precisions(clusters.pool, BestF1().decide(sample).threshold)[2]
                first, second = clusters.halves(generator)
                other = precisions(second, rule.decide(first).threshold)[1]
                kept = (one >= target for one in (by_cluster, by_pair, other))
                rows.append([*kept, not np.isfinite(threshold), recall, best])
            shares = " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))
            lines.append(f"| {target} | {name} | {shares} |")
    return lines


def profits(clusters: Clusters) -> list[str]:
    """Mean profit per 1,000 pairs of the other half."""
    lines = [
        "| false_match : missed | max_profit | best F1 | probability 0.5 | no worse than best F1 | "
        "no worse than 0.5 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for false_match, missed in COSTS:
        rule, generator, rows = MaxProfit(false_match, missed), np.random.default_rng(0), []
        for _ in range(RESAMPLINGS):
            first, second = clusters.halves(generator)
            half = Calibration.fit(first.scores, first.labels)(second.scores) >= 0.5
            chosen = [second.scores >= one.decide(first).threshold for one in (rule, BestF1())]
            own, f1, fixed = (rule.profit(one, second.labels) for one in (*chosen, half))
            rows.append([1000 * own, 1000 * f1, 1000 * fixed, own >= f1, own >= fixed])
        own, f1, fixed, first_share, second_share = np.mean(rows, axis=0)
        lines.append(
            f"| {false_match:g} : {missed:g} | {own:.1f} | {f1:.1f} | {fixed:.1f} | "
            f"{first_share:.2f} | {second_share:.2f} |"
        )
    return lines


def by_category(clusters: Clusters) -> list[str]:
    """F1 on the other half, with thresholds of categories."""
    rules: dict[str, Threshold] = {"one threshold": BestF1()}
    rules |= {f"shrinkage {s:g}": PerCategory(BestF1(), s) for s in (0.0, 10.0, 50.0, 200.0)}
    lines = ["| rule | F1 | standard error of the difference to one threshold |", "|---|---:|---:|"]
    base = None
    for name, rule in rules.items():
        generator, found = np.random.default_rng(0), []
        for _ in range(RESAMPLINGS):
            first, second = clusters.halves(generator)
            limits = rule.decide(first).thresholds(second.categories, len(second.scores))
            declared = second.scores >= limits
            hits = int(second.labels[declared].sum())
            found.append(2 * hits / (int(declared.sum()) + int(second.labels.sum())))
        values = np.array(found)
        base = values if base is None else base
        # Resamplings share pairs, so this is the error of the mean over resamplings alone.
        error = (values - base).std(ddof=1) / np.sqrt(RESAMPLINGS)
        lines.append(f"| {name} | {values.mean():.4f} | {error:.4f} |")
    return lines


def drift(clusters: Clusters, target: float = 0.9) -> list[str]:
    """False share of declared pairs over a stream: no drift, then a drift of scores, then back.

    In the middle third the scores of non-matches rise by a quarter of the distance between the mean
    scores of matches and of non-matches, as when a shop starts to sell many variants.
    """
    generator = np.random.default_rng(0)
    first, second = clusters.halves(generator)
    rows = generator.integers(len(second.labels), size=STREAM)
    scores, labels = second.scores[rows].copy(), second.labels[rows]
    gap = second.scores[second.labels == 1].mean() - second.scores[second.labels == 0].mean()
    middle = np.arange(STREAM) // (STREAM // 3) == 1
    scores[middle & (labels == 0)] += gap / 4
    start = TargetPrecision(target, DELTA)
    if not start.decide(first).promised:
        start = BestF1()
    fixed = np.full(STREAM, start.decide(first).threshold)
    met = {"fixed": fixed}
    for step in (0.01, 0.02, 0.05):
        rule = Adaptive(start, target, step)
        met[f"adaptive, step {step:g}"] = rule.trace(rule.decide(first), scores, labels)[1]
    parts = np.arange(STREAM) // (STREAM // PARTS)
    head = " | ".join(f"{one + 1}" for one in range(PARTS))
    lines = [
        f"Target {target}: at most {1 - target:.2f} false; first threshold by "
        f"{type(start).__name__}; parts of {STREAM // PARTS:,} pairs, drift in parts 5 to 8.",
        "",
        f"| false share of declared pairs | {head} | all | bound | recall |",
        "|---|" + "---:|" * (PARTS + 3),
    ]
    for name, thresholds in met.items():
        declared = scores >= thresholds
        cells = []
        for part in range(PARTS):
            own = labels[declared & (parts == part)]
            cells.append(f"{1 - own.mean():.3f}" if len(own) else "–")
        false, recall = 1 - labels[declared].mean(), labels[declared].sum() / labels.sum()
        step = float(name.rpartition(" ")[2]) if name != "fixed" else None
        bound = f"{1 - target + (1 + 1 / step) / declared.sum():.3f}" if step else "–"
        lines.append(f"| {name} | {' | '.join(cells)} | {false:.3f} | {bound} | {recall:.3f} |")
    return lines


def measure(name: str, folder: Path) -> None:
    """Write the page of a data set."""
    pool = pool_of(name)
    clusters = Clusters(pool)
    matches, sizes = int(pool.labels.sum()), [len(rows) for rows in clusters.rows]
    page = [
        f"## {name}",
        "",
        f"{len(pool.labels):,} pairs, {matches:,} matches, {len(sizes):,} clusters of at most "
        f"{max(sizes)} pairs. {RESAMPLINGS} resamplings, delta = {DELTA}. "
        f"{date.today()}, {platform.machine()}, one thread.",
        "",
        *promises(clusters),
        "",
        "Mean profit per 1,000 pairs of the other half:",
        "",
        *profits(clusters),
        "",
    ]
    if pool.categories is not None:
        page += [f"Thresholds of {len(set(pool.categories)):,} categories:", ""]
        page += [*by_category(clusters), ""]
    page += ["Drift, simulated:", "", *drift(clusters), ""]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name.replace(':', '-')}.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("data", nargs="+", help="such as abt_buy or wdc_computers:medium")
    options = parser.parse_args()
    for data_set in options.data:
        measure(data_set, options.folder)
