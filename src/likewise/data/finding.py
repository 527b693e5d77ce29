"""A finding about the quality of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset

# Examples that a finding has at most.
SHOWN = 5
DESCRIBING = ("product_id", "title", "description", "category")


@dataclass(frozen=True)
class Finding:
    """A problem of the data that is worth knowing before a study.

    Attributes:
        kind: missing values, duplicates, outliers, label conflicts, leaks or balance.
        sentence: what was found, with its count.
        spoils: whether a study on these data would mislead.
        examples: texts that show it.
        rows: products that show it, one list of rows of the catalogue for each example; for
            pictures.
    """

    kind: str
    sentence: str
    spoils: bool = False
    examples: list[str] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)


def describe(catalogue: Dataset, row: int) -> str:
    """Describe a product in a few words: its id and the beginning of its text."""
    names = [name for name in DESCRIBING if name in catalogue.features]
    product = catalogue.select_columns(names)[int(row)]
    identity = product.pop("product_id")
    text = next((value for value in product.values() if value), "")
    return f"{identity} {' '.join(text.split())[:80]}".strip()
