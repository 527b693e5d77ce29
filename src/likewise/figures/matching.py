"""The figure of a matching task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.figures.base import COLOURS, INK, OTHER, SAME, blank_figure, decorate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 10


def matching_curves(
    label: np.ndarray,
    score: np.ndarray,
    probability: np.ndarray,
    called: np.ndarray,
    threshold: float,
) -> Figure:
    """Draw precision-recall curve, score distributions and calibration of pairs.

    Args:
        labels: int [m], 1 for a match.
        score: float [m].
        probability: float [m], the probability of a match.
        called: bool [m], whether each pair is predicted to match.
        threshold: the common threshold; an infinite one is not drawn.
    """
    from sklearn.metrics import precision_recall_curve

    figure = blank_figure(12, 3.7)
    curve, histogram, calibration = figure.subplots(1, 3)
    precision, recall, _ = precision_recall_curve(label, score)
    curve.plot(recall, precision, color=COLOURS[0])
    hits = int((called & (label == 1)).sum())
    if called.any():
        point = hits / int(label.sum()), hits / int(called.sum())
        curve.plot(*point, "o", color=INK, label="threshold of validation")
        curve.legend(loc="lower left", frameon=False)
    curve.set(xlim=(0, 1.02), ylim=(0, 1.02))
    decorate(curve, "recall", "precision")
    edges = np.histogram_bin_edges(score, 40).tolist()
    for kind, name, colour in ((0, "no match", OTHER), (1, "match", SAME)):
        own = score[label == kind]
        histogram.hist(own, edges, density=True, alpha=0.6, color=colour, label=name)
    if np.isfinite(threshold):
        histogram.axvline(threshold, color=INK, linestyle="--")
    histogram.legend(frameon=False)
    decorate(histogram, "score", "density")
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    used = np.unique(place)
    means = [probability[place == one].mean() for one in used]
    shares = [label[place == one].mean() for one in used]
    calibration.plot((0, 1), (0, 1), color=INK, linestyle=":")
    calibration.plot(means, shares, "o-", color=COLOURS[0])
    calibration.set(xlim=(0, 1.02), ylim=(0, 1.02))
    decorate(calibration, "probability of a match", "share of matches")
    return figure
