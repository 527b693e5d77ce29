"""Convolutional network over tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.text import TextEncoder


class TextCNN(TextEncoder):
    """Convolutions of several widths over token embeddings, each one's maximum over the text.

    Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

    Args:
        vocabulary_size: token ids are below it; 0 is none.
        width: of a token's embedding.
        spans: tokens that a convolution sees.
        channels: of each convolution.
        dropout: probability on token embeddings and before the last linear layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        width: int = 128,
        spans: Sequence[int] = (1, 2, 3, 4),
        channels: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        super().__init__(embedding_size, nonnegative, modality)
        self.tokens = nn.Embedding(vocabulary_size, width, padding_idx=0)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, channels, span) for span in spans)
        self.spans = tuple(spans)
        self.dropout = nn.Dropout(dropout)
        width = channels * len(self.spans)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Token ids [b, length] to float [b, embedding_size]."""
        lengths = (products != 0).sum(1, keepdim=True)
        # One window of each width reaches over the end, so that the shortest text has one.
        table = F.pad(self.dropout(self.tokens(products)).transpose(1, 2), (0, max(self.spans)))
        found = []
        for span, convolution in zip(self.spans, self.convolutions, strict=True):
            maps = F.relu(convolution(table))
            starts = torch.arange(maps.shape[2], device=products.device)
            inside = starts <= (lengths - span).clamp_min(0)
            found.append(maps.masked_fill(~inside[:, None], 0).amax(2))
        return self.head(torch.cat(found, dim=1))
