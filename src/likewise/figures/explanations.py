"""Figures of explanations: coloured words, heat over pictures, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import INK, blank_figure, decorate, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue makes products more similar, orange less (Okabe and Ito).
MORE, LESS = "#0072B2", "#D55E00"
# Characters of a line of words, and how many lines are drawn of one product.
LINE, LINES = 112, 14
BARS = 16
FONT = 8.5


@dataclass(frozen=True)
class ExplainedSide:
    """What is drawn of one product.

    Attributes:
        name: the id of the product.
        words: words with their contributions, in their order.
        picture: uint8 [c, h, w], or ``None``.
        heat: contributions of its regions, float [grid, grid].
    """

    name: str
    words: Sequence[tuple[str, float]]
    picture: np.ndarray | None
    heat: np.ndarray | None


def explained_pair(sides: Sequence[ExplainedSide], title: str) -> Figure:
    """Draw both products of a pair with the contributions of their words and regions."""
    values = [abs(value) for side in sides for _, value in side.words]
    values += [float(np.abs(side.heat).max()) for side in sides if side.heat is not None]
    most = max(values, default=0.0) or 1.0
    pictured = any(side.picture is not None for side in sides)
    lines = max(len(_lines(side.words)) for side in sides)
    if pictured and lines:
        figure = blank_figure(8.6, 3.4 + 2 * (0.3 + 0.22 * lines))
        ratios = [3.0, 0.3 + 0.22 * lines, 0.3 + 0.22 * lines]
        grid = figure.add_gridspec(3, 2, height_ratios=ratios)
        pictures = [figure.add_subplot(grid[0, place]) for place in range(2)]
        texts = [figure.add_subplot(grid[1 + place, :]) for place in range(2)]
    elif pictured:
        figure = blank_figure(6.4, 3.5)
        pictures, texts = list(figure.subplots(1, 2)), []
    else:
        figure = blank_figure(8.6, 0.5 + 2 * (0.35 + 0.22 * lines))
        pictures, texts = [], list(figure.subplots(2, 1))
    figure.suptitle(title, fontsize=9.5, color=INK)
    for axes, side in zip(pictures, sides, strict=False):
        _draw_picture(axes, side, most)
    for axes, side in zip(texts, sides, strict=False):
        _draw_words(axes, side, most, lines)
    return figure


def contribution_bars(names: Sequence[str], values: np.ndarray, title: str) -> Figure:
    """Draw the largest contributions as bars, the largest first."""
    order = np.argsort(-np.abs(values), kind="stable")[:BARS][::-1]
    figure = blank_figure(7.6, 0.9 + 0.27 * len(order))
    axes = figure.subplots()
    colours = [MORE if values[place] >= 0 else LESS for place in order]
    axes.barh(range(len(order)), values[order], color=colours)
    decorate(axes, "contribution", "")
    axes.set_yticks(range(len(order)), [shorten(names[p], 70) for p in order], fontsize=FONT)
    axes.axvline(0, color=INK, linewidth=0.8)
    figure.suptitle(title, fontsize=9.5, color=INK)
    return figure


def removal_figure(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], labels: Sequence[str]
) -> Figure:
    """Draw mean scores while units are removed, and while they are put back.

    Args:
        curves: of deletion and of insertion, the scores of the explanation and of random orders,
            float [m, steps].
        labels: the titles of both.
    """
    figure = blank_figure(8.6, 3.5)
    for axes, (own, random), label in zip(figure.subplots(1, 2), curves, labels, strict=True):
        share = np.linspace(0, 1, own.shape[1])
        axes.plot(share, own.mean(0), color=MORE, marker="o", label="explanation")
        axes.plot(share, random.mean(0), color=INK, linestyle="--", label="random order")
        axes.set_title(label, fontsize=10, color=INK)
        decorate(axes, "share of words or regions", "mean score of the pairs")
        axes.legend(frameon=False, fontsize=FONT)
    return figure


def _draw_picture(axes: Axes, side: ExplainedSide, most: float) -> None:
    # The end of a long id tells products apart.
    name = side.name if len(side.name) <= 40 else f"…{side.name[-39:]}"
    axes.set_title(name, fontsize=FONT, color=INK)
    axes.set(xticks=[], yticks=[])
    if side.picture is None or side.heat is None:
        axes.text(0.5, 0.5, "no picture", ha="center", fontsize=FONT)
        return
    height, width = side.picture.shape[1:]
    grey = side.picture[:3].mean(0)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    # Each pixel gets the colour of its region, so that regions end where the model's do.
    place = [np.arange(size) * len(side.heat) // size for size in (height, width)]
    heat = side.heat[np.ix_(*place)] / most
    colours = np.zeros((height, width, 4))
    for sign, colour in ((1, (0.0, 0.45, 0.7)), (-1, (0.84, 0.37, 0.0))):
        seen = np.sign(heat) == sign
        colours[seen, :3] = colour
        colours[seen, 3] = 0.75 * np.abs(heat[seen])
    axes.imshow(colours, interpolation="nearest")


def _draw_words(axes: Axes, side: ExplainedSide, most: float, lines: int) -> None:
    axes.set_axis_off()
    axes.set_title(shorten(side.name, 90), fontsize=FONT, color=INK, loc="left", weight="bold")
    axes.set(xlim=(0, LINE), ylim=(max(lines, 1), 0))
    for number, line in enumerate(_lines(side.words)):
        column = 0
        for word, value in line:
            strength = min(1.0, abs(value) / most)
            axes.text(
                column,
                number + 0.5,
                word,
                fontsize=FONT,
                family="monospace",
                color="white" if strength > 0.6 else INK,
                va="center",
                bbox={
                    "facecolor": MORE if value >= 0 else LESS,
                    "alpha": strength,
                    "linewidth": 0,
                    "pad": 1.2,
                },
            )
            column += len(word) + 1


def _lines(words: Sequence[tuple[str, float]]) -> list[list[tuple[str, float]]]:
    """Words in lines that fit; only the first lines are drawn."""
    found: list[list[tuple[str, float]]] = []
    used = LINE
    for word, value in words:
        # A dollar would start a formula.
        text = shorten(word, LINE - 1).replace("$", r"\$")
        if used + len(text) > LINE:
            found.append([])
            used = 0
        found[-1].append((text, value))
        used += len(text) + 1
    return found[:LINES]
