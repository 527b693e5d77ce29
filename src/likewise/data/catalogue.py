"""What every data source yields: a catalogue, its relevance and its splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class ProductData:
    """A catalogue with its ground truth.

    Attributes:
        catalogue: a ``datasets.Dataset``; ``product_id`` and any of the modality columns.
        groups: int64 [n]; products of one group are alike (the relevance).
        group_names: the name of group ``i`` at place ``i``.
        splits: row numbers (int64) of ``train``, ``validation`` and ``test``; they share no row.
        fingerprint: hash of the content, part of every run's identity.
    """

    catalogue: Dataset
    groups: np.ndarray
    group_names: list[str]
    splits: dict[str, np.ndarray]
    fingerprint: str


class Source(Protocol):
    """A data set that can be loaded."""

    def load(self) -> ProductData:
        """Read the data; raises ``LikewiseError`` when it is missing or damaged."""
        ...
