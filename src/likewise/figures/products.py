"""Figures of products: neighbours, pairs, similarities and embedding maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import (
    COLOURS,
    INK,
    MARKERS,
    OTHER,
    SAME,
    blank_figure,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def neighbour_gallery(
    images: np.ndarray,
    groups: np.ndarray,
    queries: np.ndarray,
    neighbours: np.ndarray,
    values: np.ndarray,
    group_names: Sequence[str],
    rows_of: Sequence[str] | None = None,
) -> Figure:
    """Draw one row per query: its picture, then its nearest products with their similarity.

    Args:
        images: uint8 [n, c, h, w].
        groups: [n], the group of each picture.
        queries: positions [q] in ``images``.
        neighbours: positions [q, k], nearest first.
        values: similarities [q, k].
        group_names: the name of group ``i`` at place ``i``.
        rows_of: the name of the method of each row, if the rows are of several methods.
    """
    rows, nearest = neighbours.shape
    sheet = _Sheet(rows, nearest + 1)
    for row, query in enumerate(queries):
        name = shorten(str(group_names[int(groups[query])]), 14)
        sheet.show(row, 0, images[query], name, INK, "bold", 1.0)
        for place, (other, value) in enumerate(zip(neighbours[row], values[row], strict=True), 1):
            same = groups[other] == groups[query]
            title = f"{'✓' if same else '✗'} {value:.2f}"
            sheet.show(row, place, images[other], title, SAME if same else OTHER, "normal", 2.5)
        if rows_of is not None:
            sheet.name_row(row, shorten(rows_of[row], 13))
    title = "Query and its nearest products   ✓ same group   ✗ another group"
    sheet.figure.suptitle(title, fontsize=10, color=INK)
    return sheet.figure


def picture_pairs(pairs: np.ndarray, titles: Sequence[tuple[str, str]]) -> Figure:
    """Draw pairs of pictures, one picture above the other.

    Args:
        pairs: uint8 [p, 2, c, h, w].
        titles: the titles of both pictures of each pair.
    """
    sheet = _Sheet(2, max(len(pairs), 3))
    for place, (pair, words) in enumerate(zip(pairs, titles, strict=True)):
        for row, (picture, title) in enumerate(zip(pair, words, strict=True)):
            sheet.show(row, place, picture, title, INK, "normal", 1.0)
    return sheet.figure


class _Sheet:
    """Rows of pictures with titles, in one pair of axes: axes for each would take ten times longer.

    Attributes:
        figure: the drawn figure; its axes count in inches from the top left.
    """

    WIDTH, HEIGHT = 1.1, 1.3
    SIDE, LEFT, TOP, TITLE = 0.98, 0.28, 0.35, 0.24

    def __init__(self, rows: int, columns: int) -> None:
        size = (self.LEFT + self.WIDTH * columns, self.TOP + self.HEIGHT * rows)
        self.figure = blank_figure(*size)
        self.figure.set_layout_engine("none")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self.axes.set(xlim=(0, size[0]), ylim=(size[1], 0), autoscale_on=False)

    def show(
        self,
        row: int,
        column: int,
        image: np.ndarray,
        title: str,
        colour: str,
        weight: str,
        border: float,
    ) -> None:
        """Draw a picture uint8 [c, h, w] with a title above it and a border of the colour."""
        from matplotlib.patches import Rectangle

        left = self.LEFT + self.WIDTH * column
        top = self.TOP + self.HEIGHT * row
        self.axes.text(
            left + self.SIDE / 2,
            top + self.TITLE - 0.07,
            title,
            fontsize=8.5,
            color=INK,
            weight=weight,
            ha="center",
        )
        height, width = image.shape[1:]
        scale = self.SIDE / max(height, width)
        left += (self.SIDE - width * scale) / 2
        top += self.TITLE + (self.SIDE - height * scale) / 2
        right, bottom = left + width * scale, top + height * scale
        grey = image.shape[0] < 3
        self.axes.imshow(
            image[0] if grey else image[:3].transpose(1, 2, 0),
            cmap="gray" if grey else None,
            vmin=0,
            vmax=255,
            extent=(left, right, bottom, top),
            aspect="auto",
        )
        box = Rectangle((left, top), right - left, bottom - top)
        box.set(fill=False, edgecolor=colour, linewidth=border)
        self.axes.add_patch(box)

    def name_row(self, row: int, name: str) -> None:
        """Write a name at the left of a row, from the bottom to the top."""
        middle = self.TOP + self.HEIGHT * row + self.TITLE + self.SIDE / 2
        place = self.axes.text(self.LEFT / 2, middle, name, fontsize=8, color=INK, rotation=90)
        place.set(ha="center", va="center")


def similarity_heat_map(
    matrix: np.ndarray, groups: np.ndarray, group_names: Sequence[str], label: str
) -> Figure:
    """Draw the similarity of every pair; lines separate the groups.

    Args:
        matrix: [n, n], with products sorted by group.
        groups: [n], the group of each product.
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
    names = [shorten(str(group_names[int(groups[start])]), 16) for start in starts]
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
    """Draw products as points; the first groups have colours and markers, the others are grey.

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
            label=shorten(str(group_names[int(kind)]), 18),
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place // len(COLOURS)],
        )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#dddddd")
    figure.legend(frameon=False, fontsize=8.5, loc="outside right upper", markerscale=1.6)
    return figure
