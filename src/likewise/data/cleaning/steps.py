"""The base classes of cleaning steps."""

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
    """A cleaning step; it keeps no state from one batch to the next.

    Args:
        columns: the columns that it changes; a catalogue may lack any of them.
    """

    columns: Sequence[str]

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it reads."""
        return self.columns

    def for_catalogue(self, catalogue: Dataset) -> Step:
        """Return the step for this catalogue, after reading all of it if necessary."""
        return self

    @abstractmethod
    def clean(self, batch: dict[str, list]) -> dict[str, list]:
        """Return the cleaned batch, a mapping of columns to lists; ``None`` stays ``None``.

        The given batch is not modified.
        """

    def shown(self, value: Any) -> Any:
        """Return how the examples of a ``Change`` show a value before the step."""
        return value


@dataclass(frozen=True)
class TextStep(Step):
    """A step that cleans each text separately, including texts in lists and in attributes."""

    columns: Sequence[str] = TEXT_COLUMNS

    @abstractmethod
    def text(self, text: str) -> str | None:
        """Return the cleaned text; returning the same object is fastest if nothing changes."""

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
