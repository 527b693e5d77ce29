"""Same-sized pictures, as they are held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.images import image_array, image_shape
from likewise.data.modalities.base import Reader
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

FILE = "image.json"


class Images(Reader):
    """uint8 [n, c, h, w]; encoders get them as floats in [0, 1]."""

    shape: tuple[int, ...] = ()

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.shape = image_shape(catalogue)

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        shape = image_shape(catalogue)
        if shape != self.shape:
            own, theirs = (" x ".join(map(str, one)) for one in (self.shape, shape))
            raise LikewiseError(
                f"the pictures are {theirs}, and the encoder was trained on {own} (channels, "
                "height, width); set data.image_size"
            )
        return torch.from_numpy(image_array(catalogue.select(rows)).copy())

    def sizes(self) -> dict[str, Any]:
        """See ``Reader``."""
        return {"input_shape": list(self.shape)}

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        (folder / FILE).write_text(json.dumps(self.shape), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """See ``Reader``."""
        try:
            self.shape = tuple(json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise LikewiseError(f"{folder / FILE} holds no shape of pictures ({error})") from error
