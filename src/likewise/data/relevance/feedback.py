"""Logged feedback: what a policy showed, with its propensity and reward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.relevance.base import Relevance

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class LoggedFeedback(Relevance):
    """The log of a policy that chooses products, one choice per row, in the order of time.

    Attributes:
        context: what was known before each choice, such as ``user`` and ``time``; m rows.
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

    def describe(self) -> list[tuple[str, str]]:
        """See ``Relevance``."""
        mean = f", mean reward {self.reward.mean():.4f}" if len(self) else ""
        rows = [("logged feedback", f"{len(self):,} choices{mean}")]
        rows.append(("context", ", ".join(self.context.column_names)))
        rows += [(f"{name} choices", f"{len(chosen):,}") for name, chosen in self.splits.items()]
        return rows
