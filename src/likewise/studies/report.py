"""The report of a comparison: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import likewise
from likewise.studies import drawing, tables
from likewise.studies.comparison import (
    Estimate,
    MethodSummary,
    RunResult,
    by_method,
    doubts,
    summarise,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The costs worth a picture; the table has them all.
DRAWN_COSTS = ("parameters", "flops_per_product", "train_seconds", "embed_images_per_second")
RUN_PICTURES = {
    "neighbours": "Nearest neighbours of one product of each group",
    "similarity": "Similarity of every pair of some test products",
}


@dataclass(frozen=True)
class Picture:
    """A PNG for the page; ``source`` is a data URI, or ``None`` where the run left none."""

    caption: str
    alt: str
    source: str | None


def write_report(study: Mapping[str, Any], results: Sequence[RunResult], path: Path) -> None:
    """Write the report, whole or not at all.

    Args:
        study: ``question``, ``name``, ``primary``, and where known ``baseline``, ``methods``,
            ``seeds`` and ``overrides``.
        results: the runs to compare, at least one.
    """
    page = render(study, results)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, path)


def render(study: Mapping[str, Any], results: Sequence[RunResult]) -> str:
    """The page's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    primary = str(study["primary"])
    summaries = summarise(results, primary)
    shown = tables.columns(summaries, primary)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        name=study["name"],
        question=" ".join(str(study["question"]).split()),
        verdict=verdict(summaries, primary, baseline_of(study)),
        caveat=caveat(summaries),
        doubts=doubts(results),
        heads=["Method", "Seeds", *(column.label for column in shown)],
        rows=tables.grid(summaries, shown),
        spread=_spread_picture(summaries, results, primary),
        curves=_curve_pictures(summaries, results, primary),
        costs=_cost_pictures(summaries, primary),
        runs_of_methods=_run_pictures(summaries, results),
        setup=_setup(study),
        environment=environment_rows(results),
        command=f"likewise study {shlex.quote(str(study['name']))}" if _is_study(study) else None,
        runs=results,
        version=likewise.__version__,
    )


def baseline_of(study: Mapping[str, Any]) -> str | None:
    """The study's baseline, which is its first method where it names none."""
    return study.get("baseline") or next(iter(study.get("methods") or ()), None)


def _is_study(study: Mapping[str, Any]) -> bool:
    # A comparison of any folder of runs has no methods to train again.
    return bool(study.get("methods"))


def verdict(summaries: Sequence[MethodSummary], primary: str, baseline: str | None) -> str:
    """The answer in one sentence."""
    label, key = tables.metric_label(primary), f"test/{primary}"
    best = summaries[0]
    value = best.metrics[key]
    if len(summaries) == 1:
        return f"{best.name} alone was run: its {label} is {_value(best, key)}."
    start = f"{best.name} has the highest {label}, {_value(best, key)}"
    if baseline is None:
        return f"{start}, and the next is {_behind(summaries[1], value, key)}."
    base = next((summary for summary in summaries if summary.name == baseline), None)
    if base is None:
        return f"{start}; the baseline {baseline} has no finished run to compare it with."
    if base is best:
        return f"{start}; it is the baseline, and the next is {_behind(summaries[1], value, key)}."
    ahead = value.mean - base.metrics[key].mean
    return f"{start}, {ahead:.4f} above the baseline {baseline} ({_number(base.metrics[key])})."


def _value(summary: MethodSummary, key: str) -> str:
    seeds = f"{summary.seeds} seed{'s' if summary.seeds > 1 else ''}"
    return f"{_number(summary.metrics[key])} over {seeds}"


def _number(value: Estimate) -> str:
    return f"{value.mean:.4f}" + ("" if value.spread is None else f" ± {value.spread:.4f}")


def _behind(summary: MethodSummary, best: Estimate, key: str) -> str:
    found = summary.metrics[key]
    return f"{summary.name}, {best.mean - found.mean:.4f} lower ({_number(found)})"


def caveat(summaries: Sequence[MethodSummary]) -> str:
    """What the spread does and does not say."""
    counts = sorted({summary.runs for summary in summaries})
    if counts == [1]:
        return "With one seed there is no spread, so chance cannot be told from a difference."
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    text = f"With {seeds} seeds the spread is a standard deviation, no significance test."
    if counts[0] == 1:
        text += " A method of one seed has no spread."
    return text


def _picture(figure: Figure, caption: str, alt: str) -> Picture:
    return Picture(caption, alt, _data_uri(drawing.png_bytes(figure)))


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _spread_picture(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult], primary: str
) -> Picture:
    runs, key = by_method(results), f"test/{primary}"
    scores = {row.name: [run.metrics[key] for run in runs[row.name]] for row in summaries}
    label = tables.metric_label(primary)
    means = "; ".join(f"{row.name} {_number(row.metrics[key])}" for row in summaries)
    figure = drawing.bars_with_spread(scores, f"test {label}")
    caption = f"{label} on the test products. Dots: seeds; diamond: their mean; bar: ± one standard"
    return _picture(figure, f"{caption} deviation.", f"{label}: {means}.")


def _curve_pictures(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult], primary: str
) -> list[Picture]:
    runs = by_method(results)
    histories = {row.name: [run.history() for run in runs[row.name]] for row in summaries}
    pictures = []
    for key, label in (
        (f"validation/{primary}", f"Validation {tables.metric_label(primary)}"),
        ("train/loss", "Training loss"),
    ):
        having = {
            name: found
            for name, found in histories.items()
            if any(row.get(key) is not None for history in found for row in history)
        }
        if having:
            pictures.append(
                _picture(
                    drawing.learning_curves(having, key, label),
                    f"{label} by epoch; thin lines are seeds, thick ones their mean",
                    f"{label} by epoch of {', '.join(having)}.",
                )
            )
    return pictures


def _cost_pictures(summaries: Sequence[MethodSummary], primary: str) -> list[Picture]:
    label, metric = tables.metric_label(primary), f"test/{primary}"
    known = {column.key: column for column in tables.COSTS}
    pictures = []
    for cost in DRAWN_COSTS:
        having = [row for row in summaries if cost in row.cost]
        if having:
            column = known[cost]
            figure = drawing.quality_against_cost(
                having, metric, cost, label, column.label, column.divide_by
            )
            points = "; ".join(
                f"{row.name} {column.number(row.cost[cost].mean / column.divide_by)}, "
                f"{row.metrics[metric].mean:.4f}"
                for row in having
            )
            alt = f"{column.label} and {label}: {points}."
            pictures.append(_picture(figure, f"{label} against {column.label}", alt))
    return pictures


def _run_pictures(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult]
) -> list[tuple[RunResult, list[Picture]]]:
    runs, found = by_method(results), []
    for row in summaries:
        first = min(runs[row.name], key=lambda run: run.seed)
        pictures = []
        for name, caption in RUN_PICTURES.items():
            png = first.picture(name)
            alt = f"{caption}, as {row.name} with seed {first.seed} sees them."
            pictures.append(Picture(caption, alt, None if png is None else _data_uri(png)))
        found.append((first, pictures))
    return found


def _setup(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The study's own facts, flat."""
    rows = []
    for key, value in study.items():
        if key in ("question", "name") or value in (None, [], {}):
            continue
        if isinstance(value, Mapping):
            rows += [(f"{key}: {name}", _text(item)) for name, item in value.items()]
        else:
            rows.append((key, _text(value)))
    return rows


def environment_rows(results: Sequence[RunResult]) -> list[tuple[str, str]]:
    """What the runs ran on; where they differ, every value with the number of its runs."""
    counts: dict[str, dict[str, int]] = {}
    for result in results:
        for key, value in result.environment.items():
            inner = value if isinstance(value, Mapping) else {key: value}
            for name, item in inner.items():
                seen = counts.setdefault(str(name), {})
                seen[_text(item)] = seen.get(_text(item), 0) + 1
    rows = []
    for name, seen in counts.items():
        several = "; ".join(
            f"{text} ({number} of {len(results)} runs)" for text, number in seen.items()
        )
        rows.append((name, next(iter(seen)) if len(seen) == 1 else several))
    return rows


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "defaults"
    return "unknown" if value is None else str(value)
