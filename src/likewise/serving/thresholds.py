"""Precision and recall of a finished run at every threshold, on its validation pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from likewise.experiment.parts import make_task
from likewise.matchers.base import Matcher
from likewise.runs.saved import SavedRun
from likewise.tasks.matching import Matching
from likewise.thresholds.base import Cuts, KnownPairs

# Thresholds that are kept of all; a slider needs no more.
POINTS = 200


@dataclass(frozen=True)
class ThresholdCurve:
    """Precision and recall of pairs whose score is at least a threshold.

    Attributes:
        chosen: the threshold of the run; ``None`` if no pair is a match.
        thresholds: descending.
        precision, recall: at each threshold.
        pairs: the number of validation pairs.
    """

    chosen: float | None
    thresholds: list[float]
    precision: list[float]
    recall: list[float]
    pairs: int


def threshold_curve(run: SavedRun) -> ThresholdCurve | None:
    """Return the curve of a run of ``task=matching``; ``None`` for other runs.

    The threshold is the one that ``likewise threshold`` has written, or else the one that the rule
    of the run chooses on the validation pairs.

    Raises:
        LikewiseError: the validation pairs cannot tell.
    """
    config = run.config.copy()
    # It is chosen for the server, and most tasks have no use for one.
    config.explanation = {}
    task = make_task(config)
    if not isinstance(task, Matching):
        return None
    scorer = cast("Matcher", run.scorer)
    scorer.prepare(run.module)
    known = task.known_pairs(scorer, run.module, run.device)
    decision = run.model.decision or task.threshold.decide(known)
    chosen = decision.threshold if math.isfinite(decision.threshold) else None
    return curve(known, chosen)


def curve(known: KnownPairs, chosen: float | None) -> ThresholdCurve:
    """Return at most ``POINTS`` points of the curve of labelled pairs, evenly by rank."""
    cuts = Cuts.of(known.scores)
    matches = np.cumsum(known.labels[cuts.order])[cuts.declared - 1]
    some = np.unique(np.linspace(0, len(cuts.declared) - 1, POINTS).round().astype(int))
    precision = matches[some] / cuts.declared[some]
    recall = matches[some] / known.labels.sum()
    return ThresholdCurve(
        chosen,
        cuts.thresholds[some].tolist(),
        precision.tolist(),
        recall.tolist(),
        len(known.labels),
    )
