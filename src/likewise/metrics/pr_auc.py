"""The area under the precision-recall curve of matches."""

from __future__ import annotations

import numpy as np

from likewise.metrics.matching import JudgedPairs, MatchingMetric


class PRAUC(MatchingMetric):
    """Average precision: the mean, over matches, of the precision at their score.

    The step-wise area (Davis and Goadrich, "The relationship between Precision-Recall and ROC
    curves", ICML 2006, on why not to interpolate); it needs no threshold.
    """

    label = "PR-AUC"

    def per_pair(self, judged: JudgedPairs) -> np.ndarray:
        """See ``MatchingMetric``."""
        order = np.argsort(-judged.scores, kind="stable")
        ordered, hits = judged.scores[order], np.cumsum(judged.labels[order])
        # Pairs with equal scores are predicted alike.
        last = np.searchsorted(-ordered, -ordered, side="right") - 1
        precision = np.empty(len(order))
        precision[order] = hits[last] / (last + 1)
        return np.where(judged.labels == 1, precision, np.nan)
