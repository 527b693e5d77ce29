"""The base class of explanations, and what they return."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.errors import LikewiseError
from likewise.explanations.pair import ProductPair
from likewise.explanations.units import Unit

if TYPE_CHECKING:
    from likewise.data.module import ProductModule
    from likewise.matchers.base import Matcher


@dataclass(frozen=True)
class Attribution:
    """The contribution of each unit to the score of a pair.

    Attributes:
        units: what the score is made of.
        values: float64 [units]; a positive value makes the products more similar.
        score: the score of the pair.
        base: the score without all units, to which the values add; NaN if they do not add up.
        meaning: a sentence on what a value says.
    """

    units: tuple[Unit, ...]
    values: np.ndarray
    score: float
    base: float
    meaning: str

    @property
    def rest(self) -> float:
        """The part of ``score - base`` that no unit has; NaN if the values do not add up."""
        return self.score - self.base - float(self.values.sum())

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, the units of the largest contributions first."""
        order = np.argsort(-np.abs(self.values), kind="stable")
        return {
            "score": self.score,
            "base": None if np.isnan(self.base) else self.base,
            "rest": None if np.isnan(self.base) else self.rest,
            "meaning": self.meaning,
            "units": [
                {**vars(self.units[place]), "value": float(self.values[place])} for place in order
            ],
        }


class Explanation(ABC):
    """Explains the score of a pair of products; a subclass defines ``explain``.

    Args:
        grid: a picture has ``grid`` × ``grid`` regions.

    Attributes:
        units_are_content: whether its units are those of ``ProductPair``, which can be left out;
            ``task=faithfulness`` judges such explanations.
        learns: whether ``learn`` has to be called first.
    """

    units_are_content: ClassVar[bool] = True
    learns: ClassVar[bool] = False

    def __init__(self, grid: int = 7) -> None:
        if not 1 <= grid <= 64:
            raise LikewiseError(f"explanation.grid={grid} must be between 1 and 64")
        self.grid = grid

    def learn(self, scorer: Matcher, module: ProductModule) -> None:
        """Read the training data, for explanations that refer to them."""

    @abstractmethod
    def explain(self, pair: ProductPair) -> Attribution:
        """Return the contributions of units to the score of a pair.

        Raises:
            LikewiseError: the model of the pair cannot be explained in this way.
        """
