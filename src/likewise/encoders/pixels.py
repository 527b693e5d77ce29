"""The picture itself as its embedding: what a trained encoder has to beat."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError


class Pixels(Encoder):
    """The pixels of a picture, one after the other; it has no parameters and goes with method=none.

    Args:
        input_shape: (channels, height, width).
        size: height and width to which the picture is averaged before; ``None`` leaves it.
    """

    def __init__(
        self, input_shape: Sequence[int], size: int | None = None, nonnegative: bool = False
    ) -> None:
        channels, height, width = input_shape
        if size is not None and not 1 <= size <= min(height, width):
            raise LikewiseError(
                f"encoder.size={size} must be between 1 and {min(height, width)}, the least side"
            )
        super().__init__(channels * (size * size if size else height * width), nonnegative)
        self.size = size

    def features(self, products: Tensor) -> Tensor:
        """Float [b, c, h, w] to float [b, embedding_size]."""
        if self.size is not None:
            products = F.adaptive_avg_pool2d(products, self.size)
        return products.flatten(1)
