"""Multi-layer perceptron over the flattened picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor, nn

from likewise.encoders.base import Encoder


class MLP(Encoder):
    """Flatten, then linear layers with batch normalisation, ReLU and dropout.

    Args:
        input_shape: (channels, height, width).
        hidden_sizes: widths of the hidden layers.
        dropout: probability after each hidden layer.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_size: int,
        hidden_sizes: Sequence[int] = (256, 256),
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        layers: list[nn.Module] = [nn.Flatten()]
        width = prod(input_shape)
        for size in hidden_sizes:
            layers += [nn.Linear(width, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Float [b, c, h, w] to float [b, embedding_size]."""
        return self.layers(products)
