"""Figures of a comparison: learning curves, costs, spreads, intervals and ranks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import COLOURS, INK, SMALL, blank_figure, decorate, line_style, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from likewise.evidence.results import MethodSummary
    from likewise.evidence.statistics import Interval


def learning_curves(
    histories: Mapping[str, Sequence[Sequence[Mapping[str, float]]]],
    key: str,
    label: str | None = None,
) -> Figure:
    """Draw ``key`` after each epoch: thin lines are seeds, thick lines are their mean.

    Args:
        histories: for each method the histories of its seeds.
        label: label of the axis; by default the key.
    """
    from matplotlib.ticker import MaxNLocator

    figure = blank_figure(*SMALL)
    axes = figure.subplots()
    for place, (name, runs) in enumerate(histories.items()):
        style = line_style(place)
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
    """Draw quality against cost: one point per method, with standard deviations as bars.

    A line connects the Pareto front: the methods that no other method beats in both.

    Args:
        metric: a key of the methods' metrics, such as ``test/map_at_r``.
        cost: a key of their costs; methods without it are left out.
        divide_by: divisor that converts the cost to the unit of ``cost_label``.
        dear_is_good: whether larger values are better, such as for a speed.
    """
    figure = blank_figure(*SMALL)
    axes = figure.subplots()
    shown = [row for row in rows if metric in row.metrics and cost in row.cost]
    for place, row in enumerate(shown):
        quality, price = row.metrics[metric], row.cost[cost]
        style = {**line_style(place), "linestyle": "none"}
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
        # Names next to the points would overlap if methods are close.
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
    """Draw a dot per seed, a diamond at the mean and a bar of one standard deviation.

    Args:
        values: for each method, top to bottom, the value of each seed.
        label: label of the axis.
    """
    figure = blank_figure(6.2, 0.55 * max(len(values), 2) + 0.8)
    axes = figure.subplots()
    for place, scores in enumerate(values.values()):
        colour = line_style(place)["color"]
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
    _name_rows(axes, list(values), label)
    return figure


def difference_intervals(
    intervals: Mapping[str, Interval], differing: Collection[str], label: str
) -> Figure:
    """Draw a dot and an interval for each difference, and a line at zero.

    Args:
        intervals: finite, by method, top to bottom.
        differing: the methods that the corrected test tells from the baseline; their dots are
            filled.
        label: label of the axis.
    """
    figure = blank_figure(6.2, 0.5 * max(len(intervals), 2) + 0.8)
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=1)
    for place, (name, interval) in enumerate(intervals.items()):
        reach = [[interval.mean - interval.low], [interval.high - interval.mean]]
        axes.errorbar(
            interval.mean,
            place,
            xerr=reach,
            # Seen without colour too.
            fmt="o",
            markerfacecolor=COLOURS[0] if name in differing else "white",
            color=COLOURS[0],
            capsize=5,
            markersize=7,
            linewidth=2,
        )
    _name_rows(axes, list(intervals), label)
    return figure


def _name_rows(axes: Axes, names: Sequence[str], label: str) -> None:
    """A row for each method, the first on top, with room for a number above its mark."""
    axes.set_yticks(range(len(names)), names, fontsize=10)
    axes.set_ylim(len(names) - 0.4, -0.7)
    axes.margins(x=0.08)
    decorate(axes, label, "")
    axes.grid(axis="y", visible=False)


def critical_difference(names: Sequence[str], ranks: Sequence[float], difference: float) -> Figure:
    """Draw mean ranks on a line; bars join methods without significant difference (Demšar 2006).

    Args:
        names: the names of the methods.
        ranks: their mean ranks; 1 is best.
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
            f"{shorten(names[place], 24)}  {values[row]:.2f}",
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
