"""The figure of a search task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import COLOURS, INK, blank_figure, decorate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 30


def graded_scores(grades: np.ndarray, scores: np.ndarray, values: np.ndarray, label: str) -> Figure:
    """Draw the scores of the products of each grade, and the metric over the queries of the split.

    Args:
        grades: float [m]; grades that round to one whole number share a box.
        scores: float [m].
        values: float [q], the metric of each query; NaN is left out.
        label: the label of the metric.
    """
    figure = blank_figure(9, 3.7)
    boxes, histogram = figure.subplots(1, 2)
    kinds = np.unique(grades.round())
    parts = [scores[grades.round() == kind] for kind in kinds]
    names = [f"{kind:g}" for kind in kinds]
    boxes.boxplot(parts, tick_labels=names, showfliers=False, medianprops={"color": COLOURS[0]})
    decorate(boxes, "grade, rounded", "score")
    known = values[np.isfinite(values)]
    histogram.hist(known, BINS, color=COLOURS[0])
    if len(known):
        histogram.axvline(known.mean(), color=INK, linestyle="--", label="mean")
        histogram.legend(frameon=False)
    decorate(histogram, label, "queries")
    return figure
