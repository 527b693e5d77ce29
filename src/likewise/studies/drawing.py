"""Figures of a run and of a comparison.

Figures are made from matplotlib's objects, never through pyplot, whose global state would keep
every figure of a long study alive and change what notebooks draw.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from likewise.studies.results import MethodSummary
    from likewise.studies.statistics import Interval

# Okabe and Ito's palette, told apart with every common kind of colour blindness; its yellow is
# left out because it is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")
SAME, OTHER, INK = "#009E73", "#D55E00", "#222222"
DPI = 150
# Of a figure that stands beside another, or on a phone: its letters must survive the shrinking.
SMALL = (5.2, 3.7)


def blank_figure(width: float, height: float) -> Figure:
    """Of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def neighbour_gallery(
    images: np.ndarray,
    groups: np.ndarray,
    queries: np.ndarray,
    neighbours: np.ndarray,
    values: np.ndarray,
    group_names: Sequence[str],
    rows_of: Sequence[str] | None = None,
) -> Figure:
    """A row a query: its picture, then its nearest with their similarity.

    Args:
        images: uint8 [n, c, h, w].
        groups: [n].
        queries: places [q] in ``images``.
        neighbours: places [q, k], nearest first.
        values: similarities [q, k].
        group_names: the name of group ``i`` at place ``i``.
        rows_of: whose neighbours each row shows, where these differ.
    """
    rows, nearest = neighbours.shape
    figure = blank_figure(1.05 * (nearest + 1) + 0.3, 1.3 * rows + 0.35)
    axes = figure.subplots(rows, nearest + 1, squeeze=False)
    figure.suptitle(
        "Query and its nearest products   ✓ same group   ✗ another group", fontsize=10, color=INK
    )
    for row, query in enumerate(queries):
        name = _shorten(str(group_names[int(groups[query])]), 14)
        _show(axes[row, 0], images[query], name, INK, "bold", 1.0)
        for place, (other, value) in enumerate(zip(neighbours[row], values[row], strict=True), 1):
            same = groups[other] == groups[query]
            title = f"{'✓' if same else '✗'} {value:.2f}"
            _show(axes[row, place], images[other], title, SAME if same else OTHER, "normal", 2.5)
        if rows_of is not None:
            axes[row, 0].set_ylabel(_shorten(rows_of[row], 13), fontsize=8, color=INK)
    return figure


def picture_pairs(pairs: np.ndarray, titles: Sequence[tuple[str, str]]) -> Figure:
    """Pairs of pictures, one above the other.

    Args:
        pairs: uint8 [p, 2, c, h, w].
        titles: of both pictures of each pair.
    """
    figure = blank_figure(1.15 * max(len(pairs), 3) + 0.3, 2.9)
    axes = figure.subplots(2, max(len(pairs), 3), squeeze=False)
    for column in axes.T[len(pairs) :]:
        for empty in column:
            empty.set_axis_off()
    for place, (pair, words) in enumerate(zip(pairs, titles, strict=True)):
        for row, (picture, title) in enumerate(zip(pair, words, strict=True)):
            _show(axes[row, place], picture, title, INK, "normal", 1.0)
    return figure


def _show(
    axes: Axes, image: np.ndarray, title: str, colour: str, weight: str, border: float
) -> None:
    grey = image.shape[0] < 3
    axes.imshow(
        image[0] if grey else image[:3].transpose(1, 2, 0),
        cmap="gray" if grey else None,
        vmin=0,
        vmax=255,
    )
    axes.set_title(title, fontsize=8.5, color=INK, weight=weight, pad=4)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(edgecolor=colour, linewidth=border)


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def similarity_heat_map(
    matrix: np.ndarray, groups: np.ndarray, group_names: Sequence[str], label: str
) -> Figure:
    """Similarity of every pair; lines part the groups.

    Args:
        matrix: [n, n], its products sorted by group.
        groups: [n].
        label: name of the similarity.
    """
    figure = blank_figure(6.4, 5.4)
    axes = figure.subplots()
    drawn = axes.imshow(matrix, cmap="viridis", interpolation="nearest")
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    edges = np.r_[starts, len(groups)]
    for edge in edges[1:-1]:
        axes.axhline(edge - 0.5, color="white", linewidth=1)
        axes.axvline(edge - 0.5, color="white", linewidth=1)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    names = [_shorten(str(group_names[int(groups[start])]), 16) for start in starts]
    axes.set_xticks(centres, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=8.5)
    axes.set_yticks(centres, names, fontsize=8.5)
    axes.tick_params(length=0)
    axes.set_title(
        "Similarity of products, by group (alike groups: bright blocks on the diagonal)",
        fontsize=9,
        color=INK,
    )
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.85)
    return figure


def embedding_map(points: np.ndarray, groups: np.ndarray, group_names: Sequence[str]) -> Figure:
    """Products as points; colour and marker tell the first groups, grey the others.

    Args:
        points: float [n, 2].
        groups: [n].
        group_names: the name of group ``i`` at place ``i``.
    """
    figure = blank_figure(6.4, 5.2)
    axes = figure.subplots()
    kinds = np.unique(groups)
    named = kinds[: 2 * len(COLOURS)]
    rest = ~np.isin(groups, named)
    if rest.any():
        axes.scatter(points[rest, 0], points[rest, 1], s=10, color="#bbbbbb", label="others")
    for place, kind in enumerate(named):
        own = groups == kind
        axes.scatter(
            points[own, 0],
            points[own, 1],
            s=14,
            alpha=0.8,
            label=_shorten(str(group_names[int(kind)]), 18),
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place // len(COLOURS)],
        )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#dddddd")
    figure.legend(frameon=False, fontsize=8.5, loc="outside right upper", markerscale=1.6)
    return figure


def learning_curves(
    histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]],
    key: str,
    label: str | None = None,
) -> Figure:
    """``key`` after each epoch: thin lines are seeds, thick ones their mean.

    Args:
        histories: for each method the histories of its seeds.
        label: of the axis; the key where it is not given.
    """
    from matplotlib.ticker import MaxNLocator

    figure = blank_figure(*SMALL)
    axes = figure.subplots()
    for place, (name, runs) in enumerate(histories.items()):
        style = _style(place)
        by_epoch: dict[float, list[float]] = {}
        drawn = 0
        for run in runs:
            points = [(row["epoch"], row[key]) for row in run if row.get(key) is not None]
            if not points:
                continue
            drawn += 1
            axes.plot(*zip(*points, strict=True), color=style["color"], linewidth=0.8, alpha=0.4)
            for epoch, value in points:
                by_epoch.setdefault(epoch, []).append(value)
        # A mean over the seeds that happened to train longer would jump, so it ends with the first.
        common = sorted(epoch for epoch, found in by_epoch.items() if len(found) == drawn)
        means = [float(np.mean(by_epoch[epoch])) for epoch in common]
        if common:
            axes.plot(common, means, linewidth=2, markersize=5, label=name, **style)
    decorate(axes, "epoch", label or key)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.has_data():
        axes.legend(frameon=False, fontsize=9)
    return figure


def quality_against_cost(
    rows: Sequence[MethodSummary],
    metric: str,
    cost: str,
    metric_label: str | None = None,
    cost_label: str | None = None,
    divide_by: float = 1.0,
    dear_is_good: bool = False,
) -> Figure:
    """A point a method, bars are standard deviations; quality is up, cost is to the right.

    A line joins the front: the methods that no other beats in both.

    Args:
        metric: a key of the methods' metrics, such as ``test/map_at_r``.
        cost: a key of their costs; methods without it are left out.
        divide_by: turns the cost into the unit of ``cost_label``.
        dear_is_good: the quantity is a speed, so that more of it is better.
    """
    figure = blank_figure(*SMALL)
    axes = figure.subplots()
    shown = [row for row in rows if metric in row.metrics and cost in row.cost]
    for place, row in enumerate(shown):
        quality, price = row.metrics[metric], row.cost[cost]
        style = {**_style(place), "linestyle": "none"}
        axes.errorbar(
            price.mean / divide_by,
            quality.mean,
            yerr=quality.spread,
            xerr=None if price.spread is None else price.spread / divide_by,
            markersize=8,
            capsize=3,
            label=row.name,
            **style,
        )
    front = cost_front(shown, metric, cost, dear_is_good)
    points = [(row.cost[cost].mean / divide_by, row.metrics[metric].mean) for row in front]
    axes.plot(*zip(*points, strict=True), color="#8A939C", linewidth=1, zorder=0, label="front")
    decorate(axes, cost_label or cost, metric_label or metric)
    prices = [row.cost[cost].mean for row in shown]
    if prices and min(prices) > 0 and max(prices) > 20 * min(prices):
        axes.set_xscale("log")
    axes.margins(0.1, 0.15)
    if shown:
        # Names beside the points would overlap where methods are close.
        figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=3)
    return figure


def cost_front(
    rows: Sequence[MethodSummary], metric: str, cost: str, dear_is_good: bool = False
) -> list[MethodSummary]:
    """The methods that no other matches in cost and beats in quality, from the cheapest on.

    Args:
        rows: all of which have both; of methods equal in both the first counts.
    """
    sign = -1 if dear_is_good else 1
    front: list[MethodSummary] = []
    for row in sorted(
        rows, key=lambda row: (sign * row.cost[cost].mean, -row.metrics[metric].mean)
    ):
        if not front or row.metrics[metric].mean > front[-1].metrics[metric].mean:
            front.append(row)
    return front


def bars_with_spread(values: Mapping[str, Sequence[float]], label: str) -> Figure:
    """A dot a seed, a diamond at the mean and a bar of one standard deviation either side.

    Args:
        values: for each method, top to bottom, the value of each seed.
        label: of the axis.
    """
    figure = blank_figure(6.2, 0.55 * max(len(values), 2) + 0.8)
    axes = figure.subplots()
    for place, scores in enumerate(values.values()):
        colour = _style(place)["color"]
        mean = float(np.mean(scores))
        spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else None
        # The dots lie under the bar's line so that neither hides the other.
        height = np.full(len(scores), place + 0.2)
        axes.plot(scores, height, "o", color=colour, alpha=0.55, markersize=5)
        axes.errorbar(
            mean, place, xerr=spread, fmt="D", color=colour, capsize=5, markersize=7, linewidth=2
        )
        if math.isfinite(mean):
            axes.annotate(
                f"{mean:.4f}",
                (mean, place),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color=INK,
            )
    axes.set_yticks(range(len(values)), list(values), fontsize=10)
    axes.set_ylim(len(values) - 0.4, -0.7)
    axes.margins(x=0.08)
    decorate(axes, label, "")
    axes.grid(axis="y", visible=False)
    return figure


def difference_intervals(intervals: Mapping[str, Interval], label: str) -> Figure:
    """A dot and a bar for each difference, and a line where there is none.

    Args:
        intervals: finite, by method, top to bottom.
        label: of the axis.
    """
    figure = blank_figure(6.2, 0.5 * max(len(intervals), 2) + 0.8)
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=1)
    for place, interval in enumerate(intervals.values()):
        clear = interval.low > 0 or interval.high < 0
        reach = [[interval.mean - interval.low], [interval.high - interval.mean]]
        axes.errorbar(
            interval.mean,
            place,
            xerr=reach,
            # Filled where the interval leaves zero out: seen without colour too.
            fmt="o",
            markerfacecolor=COLOURS[0] if clear else "white",
            color=COLOURS[0],
            capsize=5,
            markersize=7,
            linewidth=2,
        )
    axes.set_yticks(range(len(intervals)), list(intervals), fontsize=10)
    axes.set_ylim(len(intervals) - 0.5, -0.5)
    axes.margins(x=0.08)
    decorate(axes, label, "")
    axes.grid(axis="y", visible=False)
    return figure


def critical_difference(names: Sequence[str], ranks: Sequence[float], difference: float) -> Figure:
    """Mean ranks on a line; a bar joins methods that are not told apart (Demšar 2006).

    Args:
        names: of the methods.
        ranks: their mean ranks, 1 is best.
        difference: the critical difference.
    """
    order = np.argsort(ranks, kind="stable")
    values = [float(ranks[place]) for place in order]
    starts = range(len(values))
    bars: list[tuple[int, int]] = []
    for first in starts:
        last = max(place for place in starts if values[place] - values[first] < difference)
        if last > first and not (bars and bars[-1][1] >= last):
            bars.append((first, last))
    figure = blank_figure(6.4, 0.34 * len(names) + 0.2 * len(bars) + 1.0)
    axes = figure.subplots()
    for row, place in enumerate(order):
        axes.plot(values[row], row, "o", color=COLOURS[0], markersize=7)
        axes.annotate(
            f"{_shorten(names[place], 24)}  {values[row]:.2f}",
            (values[row], row),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            color=INK,
        )
    for number, (first, last) in enumerate(bars):
        height = len(names) + 0.5 * number
        axes.plot([values[first], values[last]], [height, height], color=INK, linewidth=4)
    axes.set_ylim(len(names) + 0.5 * len(bars), -0.7)
    axes.set_xlim(0.9, len(names) + 0.9)
    axes.set_yticks([])
    decorate(axes, f"mean rank (1 is best; bars join ranks closer than {difference:.2f})", "")
    axes.grid(axis="y", visible=False)
    return figure


def _style(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[place % len(LINES)],
    }


def decorate(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set_xlabel(x_label, fontsize=10)
    axes.set_ylabel(y_label, fontsize=10)
    axes.tick_params(labelsize=9)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
