"""What a reader is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from datasets import Dataset


class Reader:
    """From some columns of a catalogue to one tensor, a row a product.

    A product lacks the modality where its row is all zero. A row depends on nothing but its product
    and what ``fit`` learned, so that products can be read in parts (int32 tensors are token ids,
    which may be as long as the longest of a part). What a reader learns it learns from
    training products, and keeps in the folder of the run.
    """

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """Learn from the training products, ``rows`` (int64); no other is looked at."""

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """The products ``rows`` (int64 [n]) as a tensor [n, ...]."""
        raise NotImplementedError

    def sizes(self) -> dict[str, Any]:
        """What encoders have to know of the tensors; after ``fit``.

        The composition puts them into the config as ``sizes.<modality>.<name>``.
        """
        return {}

    def save(self, folder: Path) -> None:
        """Write what ``fit`` learned into a folder that the reader has for itself."""

    def load(self, folder: Path) -> None:
        """Instead of ``fit``: read what ``save`` wrote."""
