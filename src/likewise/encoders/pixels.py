"""The pixels of a picture as its embedding: a baseline that needs no training."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError


class Pixels(Encoder):
    """Uses the pixel values of a picture as its embedding.

    The encoder has no parameters and is used with ``method=none``.

    Args:
        input_shape: (channels, height, width).
        image_size: height and width in pixels to which the picture is scaled by average pooling;
            ``None`` keeps its size.
    """

    def __init__(
        self, input_shape: Sequence[int], image_size: int | None = None, nonnegative: bool = False
    ) -> None:
        channels, height, width = input_shape
        if image_size is not None and not 1 <= image_size <= min(height, width):
            raise LikewiseError(
                f"encoder.image_size={image_size} must be between 1 and {min(height, width)}, the "
                "shorter side of the pictures"
            )
        super().__init__(
            channels * (image_size * image_size if image_size else height * width), nonnegative
        )
        self.image_size = image_size

    @property
    def is_linear(self) -> bool:
        """See ``Encoder``."""
        return not self.nonnegative

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, c, h, w] to float [b, embedding_size]."""
        if self.image_size is not None:
            products = F.adaptive_avg_pool2d(products, self.image_size)
        return products.flatten(1)
