"""The insertion metric of explanations."""

from __future__ import annotations

import numpy as np

from likewise.metrics.faithfulness import FaithfulnessMetric, ScoredRemovals, area_between


class Insertion(FaithfulnessMetric):
    """How much faster the score rises than in random order, if the best units are put back first.

    It is the area between the curve of the explanation and that of random orders, in standard
    deviations of the scores. After Petsiuk, Das and Saenko, "RISE", BMVC 2018.
    """

    label = "insertion"

    def per_pair(self, curves: ScoredRemovals) -> np.ndarray:
        """See ``FaithfulnessMetric``."""
        return area_between(curves.insertion, curves.random_insertion, curves.scale)
