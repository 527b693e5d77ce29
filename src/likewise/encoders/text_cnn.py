"""A convolutional network over tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.text import TextEncoder


class TextCNN(TextEncoder):
    """Convolutions of several kernel sizes over token embeddings, with max-pooling over the text.

    Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.

    Args:
        vocabulary_size: number of token ids; id 0 is padding.
        token_embedding_size: size of the embedding of a token.
        kernel_sizes: kernel size of each convolution, in tokens.
        channels: number of output channels of each convolution.
        dropout: dropout probability of token embeddings and before the last linear layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        token_embedding_size: int = 128,
        kernel_sizes: Sequence[int] = (1, 2, 3, 4),
        channels: int = 128,
        dropout: float = 0.1,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        super().__init__(embedding_size, nonnegative, modality)
        self.tokens = nn.Embedding(vocabulary_size, token_embedding_size, padding_idx=0)
        self.kernel_sizes = tuple(kernel_sizes)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(token_embedding_size, channels, size) for size in self.kernel_sizes
        )
        self.dropout = nn.Dropout(dropout)
        width = channels * len(self.kernel_sizes)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, length] to float [b, embedding_size]."""
        lengths = (products != 0).sum(1, keepdim=True)
        # Padding at the end gives even the shortest text one window of each kernel size.
        padding = (0, max(self.kernel_sizes))
        table = F.pad(self.dropout(self.tokens(products)).transpose(1, 2), padding)
        found = []
        for size, convolution in zip(self.kernel_sizes, self.convolutions, strict=True):
            maps = F.relu(convolution(table))
            starts = torch.arange(maps.shape[2], device=products.device)
            inside = starts <= (lengths - size).clamp_min(0)
            found.append(maps.masked_fill(~inside[:, None], 0).amax(2))
        return self.head(torch.cat(found, dim=1))
