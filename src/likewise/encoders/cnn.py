"""A convolutional network for small pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder


class CNN(Encoder):
    """Stages of 3x3 convolutions with 2x2 max-pooling between them; then global mean and maximum.

    Args:
        input_shape: (channels, height, width).
        channels: number of channels of each stage.
        convolutions: number of convolutions of each stage; those at full resolution cost most.
        activation: the name of an activation in ``torch.nn``, such as ``ReLU`` or ``SiLU``.
        dropout: dropout probability before the last linear layer.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_size: int,
        channels: Sequence[int] = (32, 64, 64),
        convolutions: Sequence[int] = (1, 2, 2),
        activation: str = "ReLU",
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        if not hasattr(nn, activation):
            raise ValueError(f"encoder.activation={activation} is not a class of torch.nn")
        if len(channels) != len(convolutions):
            raise ValueError(
                f"encoder.channels={list(channels)} and encoder.convolutions={list(convolutions)} "
                "must have one number for each stage"
            )
        stages: list[nn.Module] = []
        before = input_shape[0]
        for width, number in zip(channels, convolutions, strict=True):
            if stages:
                stages.append(nn.MaxPool2d(2, ceil_mode=True))
            for _ in range(number):
                stages += _convolution(before, width, activation)
                before = width
        # Channels last is the faster layout for convolutions, on CPUs and tensor cores alike.
        self.stages = nn.Sequential(*stages).to(memory_format=torch.channels_last)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, c, h, w] to float [b, embedding_size]."""
        maps = self.stages(products)
        # The mean measures how much of a pattern there is, the maximum whether it occurs at all.
        return self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))


def _convolution(before: int, width: int, activation: str) -> list[nn.Module]:
    convolution = nn.Conv2d(before, width, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(width), getattr(nn, activation)()]
