"""The base class of readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from datasets import Dataset


class Reader(ABC):
    """Turns some columns of a catalogue into one tensor with one row per product.

    A row of zeros means that the product lacks the modality. A reader is fitted to training
    products only, and what it learned is saved in the folder of the run.
    The row of a product depends on nothing but the product and what was fitted, so that
    products can be read in parts; int32 tensors are token ids, as long as the longest of a part.
    """

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """Learn from the training products ``rows`` (int64); other products are not read."""

    @abstractmethod
    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """Return the products ``rows`` (int64 [n]) as a tensor [n, ...]."""

    def sizes(self) -> dict[str, Any]:
        """Return the sizes of the tensors that encoders need; call it after ``fit``.

        They are put into the config as ``sizes.<modality>.<name>``.
        """
        return {}

    def save(self, folder: Path) -> None:
        """Write what ``fit`` learned into a folder that only this reader uses."""

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote, instead of calling ``fit``."""
