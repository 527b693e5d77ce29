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
    from matplotlib.axes import Axes
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
    figure = blank_figure(1.05 * (nearest + 1) + 0.3, 1.3 * rows + 0.35)
    axes = figure.subplots(rows, nearest + 1, squeeze=False)
    figure.suptitle(
        "Query and its nearest products   ✓ same group   ✗ another group", fontsize=10, color=INK
    )
    for row, query in enumerate(queries):
        name = shorten(str(group_names[int(groups[query])]), 14)
        _show(axes[row, 0], images[query], name, INK, "bold", 1.0)
        for place, (other, value) in enumerate(zip(neighbours[row], values[row], strict=True), 1):
            same = groups[other] == groups[query]
            title = f"{'✓' if same else '✗'} {value:.2f}"
            _show(axes[row, place], images[other], title, SAME if same else OTHER, "normal", 2.5)
        if rows_of is not None:
            axes[row, 0].set_ylabel(shorten(rows_of[row], 13), fontsize=8, color=INK)
    return figure


def picture_pairs(pairs: np.ndarray, titles: Sequence[tuple[str, str]]) -> Figure:
    """Draw pairs of pictures, one picture above the other.

    Args:
        pairs: uint8 [p, 2, c, h, w].
        titles: the titles of both pictures of each pair.
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
