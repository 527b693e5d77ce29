"""The deletion metric of explanations."""

from __future__ import annotations

import numpy as np

from likewise.metrics.faithfulness import FaithfulnessMetric, ScoredRemovals, area_between


class Deletion(FaithfulnessMetric):
    """How much faster the score falls than in random order, if the best units are removed first.

    It is the area between the curve of random orders and that of the explanation, in standard
    deviations of the scores. After Petsiuk, Das and Saenko, "RISE", BMVC 2018.
    """

    label = "deletion"

    def per_pair(self, curves: ScoredRemovals) -> np.ndarray:
        """See ``FaithfulnessMetric``."""
        return area_between(curves.random_deletion, curves.deletion, curves.scale)
