"""Shapley values of the signals of a matcher of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.data.products import LabelledPairs
from likewise.errors import LikewiseError
from likewise.explanations.base import Attribution, Explanation
from likewise.explanations.pair import ProductPair
from likewise.explanations.tree_shapley import tree_shapley
from likewise.explanations.units import Unit
from likewise.matchers.base import Matcher
from likewise.matchers.boosted_trees import MISSING, BoostedTrees

if TYPE_CHECKING:
    from likewise.data.module import ProductModule


class Shapley(Explanation):
    """The exact Shapley value of each signal of ``matcher=signals``, see ``tree_shapley``.

    The references are training pairs, so that a value says how much the signal raises the score
    over that of an average training pair.

    Args:
        references: number of training pairs, drawn at random.
        seed: of the draw.
    """

    units_are_content = False
    learns = True

    def __init__(self, grid: int = 7, references: int = 200, seed: int = 0) -> None:
        super().__init__(grid)
        if references < 1:
            raise LikewiseError(f"explanation.references={references} must be at least 1")
        self.references, self.seed = references, seed
        self.table = np.empty((0, 0), np.float32)

    def learn(self, scorer: Matcher, module: ProductModule) -> None:
        """See ``Explanation``; reads the signals of training pairs."""
        trees = _trees(scorer)
        pairs = module.pair_split("train")
        count = len(pairs.labels)
        drawn = np.random.default_rng(self.seed).permutation(count)[: self.references]
        some = LabelledPairs(
            pairs.products,
            pairs.left[drawn],
            pairs.right[drawn],
            pairs.labels[drawn],
            pairs.catalogue,
            pairs.rows,
        )
        self.table = trees.table(some)

    def explain(self, pair: ProductPair) -> Attribution:
        """See ``Explanation``."""
        trees = _trees(pair.scorer)
        row = trees.table(pair.as_pairs())[0]
        values = tree_shapley(trees.forest, row, self.table)
        score = float(trees.match_pairs(pair.as_pairs())[0])
        units = tuple(
            Unit("both", "signal", place, f"{name} {_known(value)}")
            for place, (name, value) in enumerate(zip(trees.names, row.tolist(), strict=True))
        )
        return Attribution(
            units,
            values,
            score,
            score - float(values.sum()),
            "The values add up to the difference between the score, in log-odds, and the mean "
            "score of training pairs, exactly.",
        )


def _known(value: float) -> str:
    return "is missing" if value == MISSING else f"= {value:.3g}"


def _trees(scorer: Matcher) -> BoostedTrees:
    if not isinstance(scorer, BoostedTrees):
        raise LikewiseError(
            f"explanation=shapley explains trees over signals, as matcher=signals has, and not "
            f"{type(scorer).__name__}; use explanation=occlusion"
        )
    return scorer
