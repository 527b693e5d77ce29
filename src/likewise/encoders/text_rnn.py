"""A recurrent network over tokens."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from likewise.encoders.text import TextEncoder


class TextRNN(TextEncoder):
    """Bidirectional GRU or LSTM over tokens; embeds the mean and maximum of its states.

    Args:
        vocabulary_size: number of token ids; id 0 is padding.
        cell: ``gru`` or ``lstm``.
        token_embedding_size: size of the embedding of a token.
        hidden_size: hidden size of each direction.
        dropout: dropout probability of token embeddings and before the last linear layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        cell: Literal["gru", "lstm"] = "gru",
        token_embedding_size: int = 128,
        hidden_size: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        super().__init__(embedding_size, nonnegative, modality)
        kinds = {"gru": nn.GRU, "lstm": nn.LSTM}
        if cell not in kinds:
            raise ValueError(f"encoder.cell={cell!r} is unknown; it can be gru or lstm")
        self.tokens = nn.Embedding(vocabulary_size, token_embedding_size, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = kinds[cell](
            token_embedding_size, hidden_size, batch_first=True, bidirectional=True
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * hidden_size, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, length] to float [b, embedding_size]."""
        # A text without tokens is read as one padding token.
        ids = products if products.shape[1] else products.new_zeros(len(products), 1)
        lengths = (ids != 0).sum(1).clamp_min(1)
        packed = pack_padded_sequence(
            self.dropout(self.tokens(ids)), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        inside = torch.arange(states.shape[1], device=ids.device) < lengths[:, None]
        mean = states.sum(1) / lengths[:, None]
        highest = states.masked_fill(~inside[..., None], -torch.inf).amax(1)
        return self.head(torch.cat([mean, highest], dim=1))
