"""Integrated gradients of the score of a pair."""

from __future__ import annotations

import numpy as np

from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.gradients import PairGradients, refusal
from likewise.explanations.pair import ProductPair
from likewise.matchers.base import TrainableMatcher


class IntegratedGradients(Explanation):
    """The mean gradient on the line from a baseline to a product, times their difference.

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, equation 1,
    with midpoints of equal steps. One product moves while the other one stays whole, as two empty
    products would be equal and so most similar. Each product gets half of the difference between
    the score and that of its baseline, up to the error of the steps. The baseline of a picture is
    the colour of its background, that of a token the zero vector.

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
        middles = ((np.arange(self.steps) + 0.5) / self.steps).astype(np.float32).tolist()
        sides = [(side,) for side in range(2)]
        values = [found.contributions(middles, scorer.match, side) for side in sides]
        empty = [found.value(0.0, scorer.match, side) for side in sides]
        return Attribution(
            pair.units,
            (values[0] + values[1]) / 2,
            pair.score,
            sum(empty) / 2,
            "The values of each product add up to half of the difference between the score and "
            "that of an empty product with the other one.",
        )
