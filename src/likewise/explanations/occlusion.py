"""Contributions by leaving out one unit at a time."""

from __future__ import annotations

import numpy as np

from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair


class Occlusion(Explanation):
    """The score of the pair minus its score without one word, attribute or region.

    It needs nothing of the model but its scores, so that it explains every encoder and matcher.
    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.
    A region that is left out gets the colour of the picture's background.
    """

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        without_one = pair.scores(~np.eye(len(pair.units), dtype=bool))
        return Attribution(
            pair.units,
            pair.score - without_one,
            pair.score,
            float("nan"),
            "A value is how much lower the score is without the unit.",
        )
