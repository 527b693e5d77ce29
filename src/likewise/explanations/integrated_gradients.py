"""Integrated gradients of the score of a pair."""

from __future__ import annotations

import numpy as np

from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.gradients import PairGradients, refusal
from likewise.explanations.pair import ProductPair
from likewise.matchers.base import TrainableMatcher


class IntegratedGradients(Explanation):
    """The mean gradient on the line from a baseline to both products, times their difference.

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, equation 1,
    with midpoints of equal steps. Both products move at once. The baseline of a picture is the
    colour of its background, that of a token the zero vector. The values and the score of the
    baseline add up to the score, up to the error of the steps.

    Own code, because captum's attributions of embedded tokens are 0 wherever the ids of the input
    and of the baseline are equal, and it knows no pairs.

    Args:
        steps: number of points on the line.
    """

    def __init__(self, grid: int = 7, steps: int = 32) -> None:
        super().__init__(grid)
        if not 1 <= steps <= 4096:
            raise LikewiseError(f"explanation.steps={steps} must be between 1 and 4096")
        self.steps = steps

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        scorer = pair.scorer
        if not isinstance(scorer, TrainableMatcher):
            why = f"the scores of {type(scorer).__name__} have none"
            raise LikewiseError(refusal("integrated_gradients", why))
        found = PairGradients(pair, "integrated_gradients")
        middles = ((np.arange(self.steps) + 0.5) / self.steps).astype(np.float32)
        return Attribution(
            pair.units,
            found.contributions(middles.tolist(), scorer.match),
            pair.score,
            found.value(0.0, scorer.match),
            "The values add up to the difference between the score and that of empty products.",
        )
