"""A recurrent network that reads a picture row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder


class RNN(Encoder):
    """Bidirectional GRU or LSTM over the rows; embeds the mean and maximum of its states.

    Args:
        input_shape: (channels, height, width); a row is one step of ``channels * width`` values.
        cell: ``gru`` or ``lstm``.
        hidden_size: hidden size of each direction.
        dropout: dropout probability before the last linear layer.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        embedding_size: int,
        cell: Literal["gru", "lstm"] = "gru",
        hidden_size: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        kinds = {"gru": nn.GRU, "lstm": nn.LSTM}
        if cell not in kinds:
            raise ValueError(f"encoder.cell={cell!r} is unknown; it can be gru or lstm")
        self.recurrent = kinds[cell](
            input_shape[0] * input_shape[2], hidden_size, batch_first=True, bidirectional=True
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * hidden_size, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, c, h, w] to float [b, embedding_size]."""
        rows = products.transpose(1, 2).flatten(2)
        states, _ = self.recurrent(rows)
        return self.head(torch.cat([states.mean(1), states.amax(1)], dim=1))
