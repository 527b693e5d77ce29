"""The base class of readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from datasets import Dataset

# The columns of a catalogue with contents of a product, without its picture.
ALL_BUT_PICTURES = (
    *("title", "brand", "category", "description", "attributes", "price", "reviews"),
)
TensorKind = Literal["pictures", "tokens", "weights", "other"]


class Reader(ABC):
    """Turns some columns of a catalogue into one tensor with one row per product.

    A row of zeros means that the product lacks the modality. A reader is fitted to training
    products only, and what it learned is saved in the folder of the run.
    The row of a product depends on nothing but the product and what was fitted, so that
    products can be read in parts; int32 tensors are token ids, as long as the longest of a part.

    Attributes:
        columns: the columns of the catalogue that it reads; explanations leave out parts of them.
        tensor_kind: what gradients can be taken of: ``pictures`` (uint8 [n, c, h, w]), ``tokens``
            (ids [n, length], whose embeddings are changed), ``weights`` (ids and weights, float32
            [n, 2, length]), or ``other`` for nothing.
    """

    columns: tuple[str, ...] = ALL_BUT_PICTURES
    tensor_kind: ClassVar[TensorKind] = "other"

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
