"""The sanity check of explanations by weight randomisation."""

from __future__ import annotations

import numpy as np

from likewise.metrics.faithfulness import FaithfulnessMetric, ScoredRemovals


class WeightRandomisation(FaithfulnessMetric):
    """Spearman's correlation of the contributions with those of a model with shuffled weights.

    An explanation of what was learned changes with the weights, so that a value near 1 is bad.
    Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018.
    """

    label = "correlation with shuffled weights"
    higher_is_better = False
    range = (-1.0, 1.0)

    def per_pair(self, curves: ScoredRemovals) -> np.ndarray:
        """See ``FaithfulnessMetric``."""
        return curves.correlation
