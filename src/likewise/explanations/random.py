"""Random contributions: the baseline of every comparison of explanations."""

from __future__ import annotations

import numpy as np

from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair


class RandomOrder(Explanation):
    """Draws a contribution for each unit, without regard to the model.

    Args:
        seed: of the draws; each pair gets the next ones.
    """

    def __init__(self, grid: int = 7, seed: int = 0) -> None:
        super().__init__(grid)
        self.generator = np.random.default_rng(seed)

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        values = self.generator.normal(size=len(pair.units))
        meaning = "The values are random numbers and say nothing."
        return Attribution(pair.units, values, pair.score, float("nan"), meaning)
