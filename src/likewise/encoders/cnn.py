"""Convolutional network for small pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder


class CNN(Encoder):
    """Two 3x3 convolutions and a 2x2 max-pooling a stage, then global mean and maximum.

    Args:
        input_shape: (channels, height, width).
        channels: width of each stage.
        dropout: probability before the last linear layer.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_size: int,
        channels: Sequence[int] = (32, 64, 64),
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        stages: list[nn.Module] = []
        before = input_shape[0]
        for position, width in enumerate(channels):
            stages += _convolution(before, width)
            # A second convolution at full resolution costs most and gains least.
            if position:
                stages += _convolution(width, width)
            if position + 1 < len(channels):
                stages.append(nn.MaxPool2d(2, ceil_mode=True))
            before = width
        # Channels last is the faster layout for convolutions, on CPUs and tensor cores alike.
        self.stages = nn.Sequential(*stages).to(memory_format=torch.channels_last)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Float [b, c, h, w] to float [b, embedding_size]."""
        maps = self.stages(products)
        # The mean says how much of a pattern there is, the maximum whether there is any.
        return self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))


def _convolution(before: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
