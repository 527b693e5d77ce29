"""Logged feedback: what a policy showed, with its propensity and reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.relevance.base import SPLITS, Relevance, Units

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class LoggedFeedback(Relevance):
    """The log of a policy that chooses products, one choice per row, in the order of time.

    Attributes:
        context: what was known before each choice, such as ``user`` and ``time``; m rows. A
            column ``affinity``, a list of one number per product, says how strongly each product is
            linked with the context.
        action: int64 [m], rows of the catalogue: the product that was shown.
        position: int64 [m], at least 0: where it was shown.
        reward: float64 [m], such as 1 for a click.
        propensity: float64 [m], above 0 and at most 1: the probability with which the policy shows
            this product at this position.
        splits: rows (int64) of each split.
    """

    context: Dataset
    action: np.ndarray
    position: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray
    splits: Mapping[str, np.ndarray]

    kind = "logged feedback"
    advice = "choose data that do, such as data=open_bandit"
    used_by = "task=off_policy"
    unit = "choice"
    columns = ("action", "position", "reward", "propensity")
    product_columns = ("action",)
    shared = "choices"

    def check(self, products: int) -> None:
        """See ``Relevance``."""
        super().check(products)
        rows = f"there are {len(self.context)} contexts for {len(self)} choices"
        self._require(len(self.context) == len(self), rows)
        self._require((self.position >= 0).all(), "a position is below 0")
        self._require(np.isfinite(self.reward).all(), "a reward is not a finite number")
        possible = (self.propensity > 0) & (self.propensity <= 1)
        self._require(possible.all(), "a propensity is not above 0 and at most 1")

    def untellable(self, names: Sequence[str] = SPLITS) -> dict[str, str]:
        """See ``Relevance``: there must be several products and, in a split, several rewards."""
        if len(np.unique(self.action)) == 1:
            reason = "the log shows one product only, so it says nothing about other choices"
            return {name: reason for name in names if name in self.splits}
        found = {}
        for name in names:
            reward = self.reward[self.splits.get(name, np.zeros(0, np.int64))]
            if len(reward) and (reward == reward[0]).all():
                found[name] = (
                    f"all {len(reward)} choices of {name} have the reward {reward[0]:g}, so "
                    "nothing can be told about a policy"
                )
        return found

    def shown(self, products: int) -> np.ndarray:
        """Whether the log shows a product at a position, bool [positions, n].

        Args:
            products: number of products of the catalogue.
        """
        found = np.zeros((int(self.position.max(initial=0)) + 1, products), bool)
        found[self.position, self.action] = True
        return found

    def units(self, split: str) -> Units:
        """See ``Relevance``: the target is the number of the choice in the split."""
        places = np.arange(len(self.splits[split]))
        return Units(np.zeros((0, len(places)), np.int64), (places,))

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        mean = f", mean reward {self.reward.mean():.4f}" if len(self) else ""
        rows = [("logged feedback", f"{len(self):,} choices{mean}")]
        rows.append(("context", ", ".join(self.context.column_names)))
        rows += [(f"{name} choices", f"{len(chosen):,}") for name, chosen in self.splits.items()]
        return rows
