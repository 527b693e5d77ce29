"""How often the tests of a study are wrong, and how often they find a true difference.

Studies are simulated with known truth and tested as ``likewise study`` tests runs. The output is
the tables of docs/evidence.md.

    python scripts/simulate_evidence.py --repetitions 2000
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import numpy as np
import scipy
from scipy import optimize, special

from likewise.evidence.clusters import number_clusters
from likewise.evidence.seed_variance import SeedVariance, pool_seeds
from likewise.evidence.statistics import holm, paired_test

ALPHA = 0.05
SEED = 20261124


@dataclass(frozen=True)
class Setting:
    """A simulated study. All spreads are standard deviations.

    Attributes:
        name: of the row in the table.
        methods, seeds: how many; the first method is the baseline.
        kind: ``queries`` (independent), ``groups``, ``pairs`` (of two catalogues) or ``one
            catalogue`` (pairs within it).
        units: queries or pairs.
        clusters: groups, or products of each catalogue.
        unequal: whether the largest group is about 50 times the smallest.
        cluster_spread, unit_spread: of the difference of two methods between clusters, and between
            units of a cluster.
        noise: of one unit in one run.
        seed_spread: of a method's score over seeds.
        heterogeneity: of the logarithm of the methods' seed variances.
        noisy: how many times more one method varies over seeds than the others.
        noisy_method: which; 0 is the baseline.
        difference: of every method from the baseline, the truth to be found.
    """

    name: str
    methods: int = 5
    seeds: int = 3
    kind: str = "queries"
    units: int = 600
    clusters: int = 30
    unequal: bool = False
    cluster_spread: float = 0.1
    unit_spread: float = 0.2
    noise: float = 0.1
    seed_spread: float = 0.01
    heterogeneity: float = 0.0
    noisy: float = 1.0
    noisy_method: int = -1
    difference: float = 0.0


def draw(
    setting: Setting, generator: np.random.Generator
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Scores, float64 [methods, seeds, units], and the clusters of the units."""
    clusters = _clusters(setting, generator)
    units = len(clusters[0]) if clusters else setting.units
    size = setting.methods, setting.seeds, units
    spreads = setting.seed_spread * np.exp(
        generator.normal(0, setting.heterogeneity / 2, setting.methods)
    )
    spreads[setting.noisy_method] *= setting.noisy
    scores = generator.normal(0, 1, size[:2])[..., None] * spreads[:, None, None]
    # A difference of two methods has the variances of both.
    taste = generator.normal(0, setting.unit_spread / np.sqrt(2), (setting.methods, 1, units))
    for numbers in clusters:
        spread = setting.cluster_spread / np.sqrt(2 * len(clusters))
        effects = generator.normal(0, spread, (setting.methods, 1, numbers.max() + 1))
        taste = taste + effects[..., numbers]
    scores = scores + taste + generator.normal(0, setting.noise, size)
    scores[1:] += setting.difference
    return scores, clusters


def _clusters(setting: Setting, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    many = setting.clusters
    if setting.kind == "queries":
        return ()
    if setting.kind == "groups":
        sizes = np.full(many, setting.units // many)
        if setting.unequal:
            sizes = np.round(2 * np.exp(np.linspace(0, 4, many))).astype(int)
        return (np.repeat(np.arange(many), sizes),)
    left, right = generator.integers(0, many, (2, setting.units))
    if setting.kind == "pairs":
        return tuple(number_clusters([left, right + many]))
    return tuple(number_clusters([left, (left + 1 + right % (many - 1)) % many]))


Pool = Callable[[Mapping[str, Sequence[float]]], Callable[[str, str], SeedVariance | None]]


def pooled(means: Mapping[str, Sequence[float]]) -> Callable[[str, str], SeedVariance | None]:
    """Likewise's moderated variances."""
    pool = pool_seeds(means)
    return pool.difference if pool else lambda method, reference: None


def smyth(means: Mapping[str, Sequence[float]]) -> Callable[[str, str], SeedVariance | None]:
    """Variances moderated as published, d0 estimated (Smyth 2004, section 6.2)."""
    own = {name: float(np.var(scores, ddof=1)) for name, scores in means.items()}
    freedom = len(next(iter(means.values()))) - 1
    logs = np.log(list(own.values())) - special.digamma(freedom / 2) + np.log(freedom / 2)
    excess = float(logs.var(ddof=1) - special.polygamma(1, freedom / 2))
    prior, typical = np.inf, float(np.exp(logs.mean()))
    if excess > special.polygamma(1, 5e3):
        half = optimize.brentq(lambda x: special.polygamma(1, x) - excess, 1e-3, 5e3)
        prior = 2 * half
        typical = float(np.exp(logs.mean() + special.digamma(half) - np.log(half)))
    share = 1.0 if np.isinf(prior) else prior / (prior + freedom)
    total = min(prior + freedom, freedom * len(own))

    def difference(method: str, reference: str) -> SeedVariance:
        both = [share * typical + (1 - share) * own[name] for name in (method, reference)]
        satterthwaite = sum(both) ** 2 / sum(one**2 / total for one in both)
        return SeedVariance(sum(both), min(satterthwaite, freedom * len(own)))

    return difference


def p_values(
    setting: Setting, test: str, scores: np.ndarray, clusters: tuple[np.ndarray, ...]
) -> list[float]:
    """Test each method against the baseline, without correction for their number."""
    pools: dict[str, Pool] = {"pooled": pooled, "Smyth": smyth}
    known = None
    if test in pools:
        means = {str(name): list(runs.mean(axis=1)) for name, runs in enumerate(scores)}
        known = pools[test](means)
    belongs = () if test == "independent" else clusters
    return [
        paired_test(
            scores[method],
            scores[0],
            clusters=belongs,
            seed_variance=known(str(method), "0") if known else None,
            count_seeds=False,
        ).p_value
        for method in range(1, setting.methods)
    ]


def rates(
    setting: Setting,
    tests: Sequence[str],
    repetitions: int,
    seed: int = SEED,
    corrected: bool = False,
) -> dict[str, np.ndarray]:
    """Share of rejections by test, float64 [methods - 1]; all tests see the same data.

    Args:
        setting: what is simulated.
        tests: ``independent``, ``unpooled``, ``pooled`` or ``Smyth``.
        repetitions: simulated studies.
        seed: of all draws.
        corrected: after Holm, and last, float64 [methods], the share with any rejection.
    """
    generator = np.random.default_rng([seed, setting.methods, setting.seeds])
    counts = {test: np.zeros(setting.methods - 1 + corrected) for test in tests}
    for _ in range(repetitions):
        scores, clusters = draw(setting, generator)
        for test in tests:
            found = p_values(setting, test, scores, clusters)
            rejected = np.array(holm(found) if corrected else found) < ALPHA
            counts[test] += np.append(rejected, rejected.any()) if corrected else rejected
    return {test: count / repetitions for test, count in counts.items()}


UNITS = (
    Setting("600 independent queries"),
    Setting("30 groups × 20 queries", kind="groups"),
    Setting("10 groups × 60 queries", kind="groups", clusters=10),
    Setting("30 groups of 2 to 109 queries", kind="groups", unequal=True),
    Setting("600 pairs of 60 × 60 products", kind="pairs", clusters=60),
    Setting("600 pairs of 60 products", kind="one catalogue", clusters=60),
    Setting("30 groups × 20 queries, no effect of groups", kind="groups", cluster_spread=0.0),
    Setting("30 groups × 20, seed SD 0.03", kind="groups", seed_spread=0.03),
    Setting("30 groups × 20, 2 methods", kind="groups", methods=2),
    Setting("30 groups × 20, 2 seeds", kind="groups", seeds=2),
    Setting(
        "30 groups × 20, seed SD 0.03, log variances differ by SD 2",
        kind="groups",
        seed_spread=0.03,
        heterogeneity=2.0,
    ),
)
# Seeds as the only source of error: where pooling has most to gain and most to spoil.
LUCK = Setting("", units=2, unit_spread=0.0, noise=0.0)
NUMBERS = [(methods, seeds) for seeds in (2, 3, 5) for methods in (3, 5, 10)]
SPREADS = (0.0, 1.0, 2.0, 3.0)
NOISY = (3.0, 10.0)
NOISY_BASELINE = 3.0


def seed_settings() -> list[Setting]:
    """Every number of methods and seeds with every spread of variances."""
    found = []
    for methods, seeds in NUMBERS:
        base = replace(LUCK, name=f"{methods} methods, {seeds} seeds", methods=methods, seeds=seeds)
        found += [replace(base, heterogeneity=spread) for spread in SPREADS]
        found += [replace(base, noisy=noisy) for noisy in NOISY]
        found += [replace(base, noisy=NOISY_BASELINE, noisy_method=0)]
    return found


def power_settings() -> list[Setting]:
    """Five methods that all differ from the baseline, by three standard errors of the truth."""
    found = []
    for seeds in (2, 3, 5):
        size = 3 * 0.01 * np.sqrt(2 / seeds)
        for spread in (0.0, 1.0):
            name = f"{seeds} seeds" + (", log variances differ by SD 1" if spread else "")
            one = replace(LUCK, name=name, seeds=seeds, difference=size, heterogeneity=spread)
            found.append(one)
    groups = Setting("3 seeds, 30 groups × 20, SD 0.03", kind="groups", seed_spread=0.03)
    return [*found, replace(groups, difference=3 * np.hypot(0.03 * np.sqrt(2 / 3), 0.02))]


def _percent(values: np.ndarray) -> str:
    return f"{100 * float(np.mean(values)):.1f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    units_tests = ["independent", "unpooled", "pooled"]
    seeds_tests = ["unpooled", "Smyth", "pooled"]
    luck, powers = seed_settings(), power_settings()
    whole = [one for one in luck if one.methods == 5 and one.heterogeneity in (0.0, 2.0)]
    with ProcessPoolExecutor(options.processes) as workers:
        single = partial(rates, repetitions=options.repetitions)
        studies = partial(rates, repetitions=options.repetitions, corrected=True)
        of_units = list(workers.map(single, UNITS, [units_tests] * len(UNITS)))
        of_seeds = list(workers.map(single, luck, [seeds_tests] * len(luck)))
        of_whole = list(workers.map(studies, whole, [["unpooled", "pooled"]] * len(whole)))
        of_power = list(workers.map(single, powers, [seeds_tests] * len(powers)))

    print("### Level: what the test units share\n")
    rows = [["no true difference", "units independent", "by cluster", "by cluster, pooled"]]
    for setting, found in zip(UNITS, of_units, strict=True):
        rows.append([setting.name, *(_percent(found[test]) for test in units_tests)])
    print(_table(rows))

    print("\n### Level: how much the seed variances differ between methods\n")
    heads = [f"log variances SD {spread:g}" for spread in SPREADS]
    heads += [f"one method × {noisy:g}: all / it" for noisy in NOISY]
    heads += [f"baseline × {NOISY_BASELINE:g}"]
    rows = [["no true difference", "test", *heads]]
    each = len(heads)
    for start in range(0, len(luck), each):
        for test in seeds_tests:
            shares = [one[test] for one in of_seeds[start : start + each]]
            cells = [_percent(one) for one in shares[: len(SPREADS)]]
            cells += [f"{_percent(one)} / {_percent(one[-1])}" for one in shares[len(SPREADS) : -1]]
            cells += [_percent(shares[-1])]
            rows.append([luck[start].name, test, *cells])
    print(_table(rows))

    print("\n### Level of a whole study: any false finding, after Holm\n")
    heads = ["log variances SD 0", "SD 2", "one method × 3", "× 10", "baseline × 3"]
    rows = [["no true difference", "test", *heads]]
    for start in range(0, len(whole), len(heads)):
        for test in ("unpooled", "pooled"):
            some = of_whole[start : start + len(heads)]
            rows.append([whole[start].name, test, *(_percent(one[test][-1]) for one in some)])
    print(_table(rows))

    print("\n### Power\n")
    rows = [["a difference of 3 standard errors, 5 methods", *seeds_tests]]
    for setting, found in zip(powers, of_power, strict=True):
        rows.append([setting.name, *(_percent(found[test]) for test in seeds_tests)])
    print(_table(rows))
    error = 100 * np.sqrt(ALPHA * (1 - ALPHA) / options.repetitions)
    command = f"python scripts/simulate_evidence.py --repetitions {options.repetitions}"
    print(
        f"\nRejections in % at the 5 % level, {options.repetitions} simulated studies per row, "
        "mean over the methods unless said otherwise; the standard error of a 5 is at most "
        f"{error:.1f}. Made on {date.today()} with `{command}`, seed {SEED}, numpy "
        f"{np.__version__}, scipy {scipy.__version__}, on {os.cpu_count()} {platform.machine()} "
        "cores."
    )


if __name__ == "__main__":
    main()
