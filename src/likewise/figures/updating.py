"""The figure of a model that is updated in steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import COLOURS, INK, blank_figure, decorate, line_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def updating_figure(
    qualities: Mapping[str, np.ndarray],
    points: Mapping[str, np.ndarray],
    reads: np.ndarray,
    measure: str,
) -> Figure:
    """Draw qualities, differences in points and the cost of each step.

    Args:
        qualities, points: curves by label, float [steps] each; NaN is not drawn.
        reads: int [steps], products that training read.
        measure: the label of the quality.
    """
    figure = blank_figure(12, 3.7)
    above, below, cost = figure.subplots(1, 3)
    steps = np.arange(len(reads))
    for axes, curves in ((above, qualities), (below, points)):
        for place, (label, curve) in enumerate(curves.items()):
            axes.plot(steps, curve, label=label, markersize=4, **line_style(place))
        if curves:
            axes.legend(frameon=False, fontsize=8)
    below.axhline(0, color=INK, linewidth=0.8)
    cost.bar(steps, reads, color=COLOURS[0])
    decorate(above, "step", measure)
    decorate(below, "step", "points")
    decorate(cost, "step", "products read in training")
    for axes in (above, below, cost):
        axes.set_xticks(steps)
    return figure
