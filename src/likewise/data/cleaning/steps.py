"""What a step of the cleaning is, and the one kind that most steps are: text by text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

TEXT_COLUMNS = ("title", "description", "brand", "category", "attributes", "reviews")


@dataclass(frozen=True)
class Step(ABC):
    """A step of the cleaning; it keeps nothing from one batch to the next.

    Args:
        columns: those that it changes; any of them may be absent from a catalogue.
    """

    columns: Sequence[str]

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it needs to see."""
        return self.columns

    def for_catalogue(self, catalogue: Dataset) -> Step:
        """The step as it applies to this catalogue, where it has to see all of it beforehand."""
        return self

    @abstractmethod
    def clean(self, batch: dict[str, list]) -> dict[str, list]:
        """The batch, columns to values of equal number, cleaned; ``None`` stays ``None``.

        The batch itself is left as it is.
        """

    def shown(self, value: Any) -> Any:
        """A value of its columns as the examples of a ``Change`` show it before the step."""
        return value


@dataclass(frozen=True)
class TextStep(Step):
    """A step that cleans each text on its own, also those in lists and in attributes."""

    columns: Sequence[str] = TEXT_COLUMNS

    @abstractmethod
    def text(self, text: str) -> str | None:
        """The cleaned text; the same object where nothing is to be changed costs least."""

    def clean(self, batch: dict[str, list]) -> dict[str, list]:
        """See ``Step``."""
        cleaned = {name: self._value(batch[name]) for name in self.columns if name in batch}
        return {**batch, **cleaned}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value
