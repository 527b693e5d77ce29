"""The report of a comparison: one self-contained HTML file."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import likewise
from likewise.atomic import atomic
from likewise.evidence.comparison import Comparison
from likewise.evidence.results import MethodSummary, RunResult, by_method, specification
from likewise.figures.base import png_bytes
from likewise.report import tables
from likewise.report.columns import COSTS, Column, further_columns, main_columns
from likewise.report.figures import (
    bars_with_spread,
    cost_front,
    difference_intervals,
    learning_curves,
    quality_against_cost,
)
from likewise.report.galleries import query_galleries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The costs that are drawn; the table has all of them.
DRAWN_COSTS = ("parameters", "flops_per_product", "train_seconds", "embed_products_per_second")

# The number of metrics that fit a window of 1280 pixels next to names of about 50 letters.
ABREAST = 8


@dataclass(frozen=True)
class ReportPicture:
    """A PNG of the page; ``source`` is a data URI, or ``None`` if the run has no picture."""

    caption: str
    alt: str
    source: str | None


def write_report(comparison: Comparison) -> Path:
    """Write ``report.html`` into the study's folder."""
    return write_page(render(comparison), comparison.folder / "report.html")


def write_page(page: str, path: Path) -> Path:
    """Write a page atomically."""
    with atomic(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def fill_page(template: str, **values: Any) -> str:
    """Fill a template of this package."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def render(comparison: Comparison) -> str:
    """Return the HTML of the page."""
    study, results, summaries = comparison.study, comparison.results, comparison.summaries
    primary = comparison.primary
    further = further_columns(summaries, primary)
    return fill_page(
        "report.html.j2",
        name=study["name"],
        question=" ".join(str(study["question"]).split()),
        verdict=comparison.verdict(),
        caveat=" ".join([comparison.caveat(), *comparison.notes()]),
        doubts=comparison.doubts(),
        main=_methods(comparison, main_columns(summaries, primary)),
        further=[_methods(comparison, part) for part in _parts(further)],
        footnote=tables.footnote(summaries, "★"),
        evidence=tables.evidence(comparison),
        baseline=comparison.baseline,
        intervals=_interval_picture(comparison),
        spread=_spread_picture(summaries, results, primary),
        curves=_curve_pictures(summaries, results, primary),
        costs=_cost_pictures(summaries, primary),
        galleries=[
            _picture_of(gallery.png, gallery.title) for gallery in query_galleries(comparison)
        ],
        runs_of_methods=_run_pictures(summaries, results),
        budgets=tables.budget_rows(comparison.budgets),
        leaks=comparison.leaks,
        leaked=_leak_picture(comparison.folder),
        setup=_setup(study),
        environment=environment_rows(results),
        command=f"likewise study {shlex.quote(str(study['name']))}" if _is_study(study) else None,
        runs=results,
        version=likewise.__version__,
    )


def _methods(comparison: Comparison, shown: Sequence[Column]) -> dict[str, Any]:
    """A table of methods for the template."""
    rows = tables.grid(comparison.summaries, shown, comparison.leaders)
    return {"heads": tables.heads(shown), "rows": rows}


def _parts(shown: Sequence[Column]) -> list[Sequence[Column]]:
    return [shown[start : start + ABREAST] for start in range(0, len(shown), ABREAST)]


def _is_study(study: Mapping[str, Any]) -> bool:
    # A comparison of a folder of runs has no methods that could be trained again.
    return bool(study.get("methods"))


def _picture(figure: Figure, caption: str, alt: str) -> ReportPicture:
    return ReportPicture(caption, alt, data_uri(png_bytes(figure)))


def _picture_of(png: bytes, caption: str) -> ReportPicture:
    return ReportPicture(
        caption, f"{caption}: pictures of queries and their neighbours.", data_uri(png)
    )


def data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _interval_picture(comparison: Comparison) -> ReportPicture | None:
    """Draw the differences from the baseline; ``None`` if no method has an interval."""
    drawn = [found for found in comparison.against_baseline if found.test.seeds > 1]
    if not drawn:
        return None
    label = specification(comparison.summaries, comparison.primary).label
    intervals = {found.name: found.test.difference for found in drawn}
    words = "; ".join(
        f"{name} {part.mean:+.4f} from {part.low:+.4f} to {part.high:+.4f}"
        for name, part in intervals.items()
    )
    figure = difference_intervals(
        intervals,
        [found.name for found in drawn if found.differs],
        f"difference in {label} from {comparison.baseline}",
    )
    caption = (
        f"Difference in test {label} from {comparison.baseline} with its 95 % interval over seeds "
        "and test products, before correction for the number of methods. Filled: the corrected "
        "test finds a difference."
    )
    return _picture(figure, caption, f"Differences in {label}: {words}.")


def _spread_picture(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult], primary: str
) -> ReportPicture:
    runs, key = by_method(results), f"test/{primary}"
    scores = {row.name: [run.metrics[key] for run in runs[row.name]] for row in summaries}
    label = specification(summaries, primary).label
    means = "; ".join(f"{row.name} {row.metrics[key].mean:.4f}" for row in summaries)
    figure = bars_with_spread(scores, f"test {label}")
    caption = f"{label} on the test products. Dots: seeds; diamond: their mean; bar: ± one standard"
    return _picture(figure, f"{caption} deviation.", f"{label}: {means}.")


def _curve_pictures(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult], primary: str
) -> list[ReportPicture]:
    runs = by_method(results)
    histories = {row.name: [run.history() for run in runs[row.name]] for row in summaries}
    pictures = []
    for key, label in (
        (f"validation/{primary}", f"Validation {specification(summaries, primary).label}"),
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
                    learning_curves(having, key, label),
                    f"{label} by epoch; thin lines are seeds, thick ones their mean",
                    f"{label} by epoch of {', '.join(having)}.",
                )
            )
    return pictures


def _cost_pictures(summaries: Sequence[MethodSummary], primary: str) -> list[ReportPicture]:
    label, metric = specification(summaries, primary).label, f"test/{primary}"
    known = {column.key: column for column in COSTS}
    pictures = []
    for cost in DRAWN_COSTS:
        having = [row for row in summaries if cost in row.cost]
        if having:
            column = known[cost]
            figure = quality_against_cost(
                having,
                metric,
                cost,
                label,
                column.label,
                column.divide_by,
                column.higher_is_better,
            )
            points = "; ".join(
                f"{row.name} {column.number(row.cost[cost].mean / column.divide_by)}, "
                f"{row.metrics[metric].mean:.4f}"
                for row in having
            )
            front = cost_front(having, metric, cost, column.higher_is_better)
            named = ", ".join(row.name for row in front)
            alt = f"{column.label} and {label}: {points}. On the front: {named}."
            caption = f"{label} against {column.label}; on the front: {named}"
            pictures.append(_picture(figure, caption, alt))
    return pictures


def _run_pictures(
    summaries: Sequence[MethodSummary], results: Sequence[RunResult]
) -> list[tuple[RunResult, list[ReportPicture]]]:
    runs, found = by_method(results), []
    for row in summaries:
        first = min(runs[row.name], key=lambda run: run.seed)
        pictures = []
        for name, caption in first.captions().items():
            png = first.picture(name)
            alt = f"{caption}, as {row.name} with seed {first.seed} sees them."
            pictures.append(ReportPicture(caption, alt, None if png is None else data_uri(png)))
        found.append((first, pictures))
    return found


def _leak_picture(folder: Path) -> ReportPicture | None:
    path = folder / "leaks.png"
    if not path.is_file():
        return None
    caption = "The most alike pairs: a product of the later split above, its duplicate below"
    return ReportPicture(caption, f"{caption}.", data_uri(path.read_bytes()))


def _setup(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the facts of the study as flat rows."""
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
    """Return the environment of the runs; if it differs, all values with numbers of runs."""
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
