"""Pictures of one size as tensors."""

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
# The weights of red, green and blue in the luminance (ITU-R BT.601).
GREY = (0.299, 0.587, 0.114)


class Images(Reader):
    """Reads pictures as uint8 [n, c, h, w]; encoders get them as floats in [0, 1].

    If the training pictures were grey, colour pictures are converted to grey, and the reverse.
    """

    columns = ("image",)
    tensor_kind = "pictures"
    shape: tuple[int, ...] = ()

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.shape = image_shape(catalogue)

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        shape = image_shape(catalogue)
        if shape[1:] != self.shape[1:]:
            own, theirs = (" x ".join(map(str, one)) for one in (self.shape, shape))
            raise LikewiseError(
                f"the pictures are {theirs}, and the encoder was trained on {own} (channels, "
                "height, width); set data.image_size"
            )
        pictures = torch.from_numpy(image_array(catalogue.select(rows)))
        return with_channels(pictures, self.shape[0])

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
            raise LikewiseError(
                f"{folder / FILE} does not hold the shape of pictures ({error})"
            ) from error


def with_channels(pictures: Tensor, channels: int) -> Tensor:
    """Convert pictures, uint8 [n, c, h, w], to grey (one channel) or to several equal channels."""
    if pictures.shape[1] == channels:
        return pictures
    if channels == 1:
        weights = torch.tensor(GREY)[:, None, None]
        return (pictures[:, :3] * weights).sum(1, keepdim=True).round().to(torch.uint8)
    return pictures[:, :1].repeat(1, channels, 1, 1)
