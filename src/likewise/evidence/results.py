"""Results of finished runs, and summaries of each method over its seeds."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from likewise.errors import LikewiseError
from likewise.experiment.identity import COSMETIC
from likewise.metrics.interval import mean_interval
from likewise.metrics.specification import MetricSpecification


class BrokenResult(LikewiseError, ValueError):
    """Raised for a file of a run with invalid content."""


@dataclass(frozen=True)
class RunResult:
    """The metrics, the cost and the folder of a finished run."""

    folder: Path
    id: str
    name: str
    study: str | None
    seed: int
    metrics: dict[str, float]
    cost: dict[str, float]
    environment: dict[str, Any] = field(default_factory=dict)
    data_fingerprint: str | None = None
    # Columns of per_query.parquet by which its rows depend on each other; None where not recorded.
    clusters: tuple[str, ...] | None = None
    specifications: dict[str, MetricSpecification] = field(default_factory=dict)
    primary: str | None = None
    # Captions of the run's pictures by title; None if they were not recorded.
    pictures: dict[str, str] | None = None
    # Sentences on how the run was trained and scored.
    notes: tuple[str, ...] = ()

    def history(self) -> list[dict[str, float]]:
        """The history of training, one mapping per epoch; empty without ``history.json``."""
        path = self.folder / "history.json"
        if not path.is_file():
            return []
        content = _read_json(path)
        if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
            raise BrokenResult(f"{path} is no list of epochs; delete the run folder and run again")
        return content

    def captions(self) -> dict[str, str]:
        """Captions of the run's pictures by title; the title itself where none was recorded."""
        if self.pictures is not None:
            return self.pictures
        return {path.stem: path.stem for path in sorted(self.folder.glob("*.png"))}

    def picture(self, name: str) -> bytes | None:
        """The bytes of ``<name>.png``, if the run wrote it."""
        path = self.folder / f"{name}.png"
        return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True)
class Estimate:
    """Mean over runs, sample standard deviation and the mean's 95 % t-interval.

    A single run has no standard deviation, and its interval is infinite.
    """

    mean: float
    spread: float | None
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class MethodSummary:
    """Estimates of a method over its runs, by keys of ``result.json`` (``test/map_at_r``)."""

    name: str
    seeds: int
    runs: int
    metrics: dict[str, Estimate]
    cost: dict[str, Estimate]
    specifications: dict[str, MetricSpecification] = field(default_factory=dict)


def specification(summaries: Sequence[MethodSummary], name: str) -> MetricSpecification:
    """The recorded specification of a metric; only its name if nothing was recorded."""
    recorded = (summary.specifications.get(name) for summary in summaries)
    return next((found for found in recorded if found), MetricSpecification(name))


def read_finished(folder: Path) -> list[RunResult]:
    """Read all finished and tested runs below ``folder``, ordered by method and seed.

    The trials of a search, which saw no test product, are left out.

    Raises:
        BrokenResult: a ``ValueError`` that names the ``result.json`` that cannot be used.
    """
    results = [read_run(path.parent) for path in sorted(folder.rglob("result.json"))]
    tested = [run for run in results if any(key.startswith("test/") for key in run.metrics)]
    return sorted(tested, key=lambda result: (result.name, result.seed, result.id))


def told_apart(results: Sequence[RunResult]) -> list[RunResult]:
    """Append the settings in which runs of equal names differ to their names.

    For example, all runs of a sweep over losses are named after the same encoder.
    """
    named = []
    for name, runs in by_method(results).items():
        if len({run.seed for run in runs}) == len(runs):
            named += runs
            continue
        settings = [_settings(run.folder) for run in runs]
        keys = sorted({key for one in settings for key in one})
        differing = [key for key in keys if len({one.get(key) for one in settings}) > 1]
        # Parts of different classes differ in many settings; the name of the class suffices.
        kinds = [key for key in differing if key.endswith("_target_")]
        parts = tuple(kind.removesuffix("_target_") for kind in kinds)
        shown = kinds + [key for key in differing if not key.startswith(parts or ("\0",))]
        for run, one in zip(runs, settings, strict=True):
            words = [f"{key.removesuffix('._target_')}={one.get(key)}" for key in shown]
            named.append(replace(run, name=" ".join([name, *words])))
    return named


def _settings(folder: Path) -> dict[str, str]:
    """A run's settings by dotted key, without its seed and what says nothing of its result."""
    path = folder / "config.yaml"
    content: Any = OmegaConf.to_container(OmegaConf.load(path)) if path.is_file() else {}
    found: dict[str, str] = {}

    def add(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                add(f"{prefix}.{key}" if prefix else str(key), inner)
        else:
            found[prefix] = str(value).rsplit(".", 1)[-1] if "_target_" in prefix else str(value)

    add("", {key: value for key, value in content.items() if key not in (*COSMETIC, "seed")})
    return found


def read_run(folder: Path) -> RunResult:
    """Read one finished run."""
    path = folder / "result.json"
    content = _read_json(path)
    try:
        return RunResult(
            folder=folder,
            id=str(content["id"]),
            name=str(content["name"]),
            study=content.get("study"),
            seed=int(content["seed"]),
            metrics={key: float(value) for key, value in content["metrics"].items()},
            # A cost that could not be measured is null: it is left out, not made zero.
            cost={k: float(value) for k, value in content["cost"].items() if value is not None},
            environment=dict(content.get("environment") or {}),
            data_fingerprint=content.get("data_fingerprint"),
            primary=content.get("primary"),
            specifications={
                name: MetricSpecification(**said)
                for name, said in (content.get("specifications") or {}).items()
            },
            clusters=None if content.get("clusters") is None else tuple(content["clusters"]),
            notes=tuple(content.get("notes") or ()),
            pictures=None if content.get("pictures") is None else dict(content["pictures"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is malformed ({error})"
        raise BrokenResult(f"{path} {what}; delete its folder and run again") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BrokenResult(
            f"{path} is not valid JSON ({error}); delete its folder and run again"
        ) from error


def estimate(values: Sequence[float]) -> Estimate:
    """Estimate mean, sample standard deviation (n - 1) and t-interval from at least one value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Estimate(mean, None)
    # A diverged run must not prevent the table.
    if not all(math.isfinite(value) for value in values):
        return Estimate(mean, math.nan)
    interval = mean_interval(values)
    return Estimate(mean, statistics.stdev(values), interval.low, interval.high)


def by_method(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    """Group runs by method, in the given order."""
    methods: dict[str, list[RunResult]] = {}
    for result in results:
        methods.setdefault(result.name, []).append(result)
    return methods


def summarise(results: Sequence[RunResult], primary: str) -> list[MethodSummary]:
    """Summarise the methods, from the best to the worst mean of ``test/<primary>``."""
    for result in results:
        if f"test/{primary}" not in result.metrics:
            known = ", ".join(sorted(k[5:] for k in result.metrics if k.startswith("test/")))
            raise LikewiseError(
                f"{result.folder / 'result.json'} has no metric {primary}; it has {known}"
            )
    summaries = [
        MethodSummary(
            name,
            len({run.seed for run in runs}),
            len(runs),
            _estimates([run.metrics for run in runs]),
            _estimates([run.cost for run in runs]),
            {name: one for run in runs for name, one in run.specifications.items()},
        )
        for name, runs in by_method(results).items()
    ]

    def rank(summary: MethodSummary) -> tuple[float, str]:
        mean = summary.metrics[f"test/{primary}"].mean
        return (math.inf if math.isnan(mean) else -mean, summary.name)

    return sorted(summaries, key=rank)


def _estimates(rows: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    # Only metrics of all runs are kept; otherwise the means of a row would be of different seeds.
    shared = [key for key in rows[0] if all(key in row for row in rows)]
    return {key: estimate([row[key] for row in rows]) for key in shared}


def doubts(results: Sequence[RunResult]) -> list[str]:
    """Give reasons why these runs are hard to compare, one sentence each."""
    found = []
    methods = by_method(results)
    for name, runs in methods.items():
        seeds = [run.seed for run in runs]
        twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        if twice:
            found.append(
                f"{name} has more than one run of seed {', '.join(map(str, twice))}: its runs "
                "differ in configuration, data or version, and the mean mixes them."
            )
    if len({frozenset(run.seed for run in runs) for runs in methods.values()}) > 1:
        found.append("The methods were not run with the same seeds.")
    if len({run.data_fingerprint for run in results if run.data_fingerprint}) > 1:
        found.append("The runs did not all use the same data.")
    return found
