"""Mean of token embeddings, without regard to word order."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.text import TextEncoder


class Bag(TextEncoder):
    """The mean of the embeddings of a text's tokens, then a multi-layer perceptron.

    Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification",
    ACL 2015 (deep averaging network); with ``text=ngrams`` the input of fastText.

    Args:
        vocabulary_size: number of token ids; id 0 is padding.
        token_embedding_size: size of the embedding of a token.
        hidden_sizes: sizes of the hidden layers. Without hidden layers, a linear layer maps the
            mean to ``embedding_size``; if ``token_embedding_size`` equals ``embedding_size``, the
            mean itself is the embedding.
        dropout: dropout probability before each linear layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        token_embedding_size: int = 128,
        hidden_sizes: Sequence[int] = (256,),
        dropout: float = 0.1,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        super().__init__(embedding_size, nonnegative, modality)
        self.tokens = nn.Embedding(vocabulary_size, token_embedding_size, padding_idx=0)
        layers: list[nn.Module] = []
        before = token_embedding_size
        for size in hidden_sizes:
            layers += [nn.Dropout(dropout), nn.Linear(before, size), nn.ReLU()]
            before = size
        if hidden_sizes or token_embedding_size != embedding_size:
            layers += [nn.Dropout(dropout), nn.Linear(before, embedding_size)]
        self.layers = nn.Sequential(*layers)

    @property
    def is_linear(self) -> bool:
        """See ``Encoder``."""
        return not self.nonnegative and not any(isinstance(p, nn.ReLU) for p in self.layers)

    def features(self, products: Tensor) -> Tensor:
        """Map token ids [b, length] to float [b, embedding_size]."""
        return self.layers(mean_embedding(self.tokens, products))


def mean_embedding(tokens: nn.Embedding, ids: Tensor) -> Tensor:
    """Mean embedding of the ids [..., length] that are not 0, float [..., d]; zero without ids."""
    if not ids.shape[-1]:
        ids = ids.new_zeros(*ids.shape[:-1], 1)
    if torch.compiler.is_exporting():
        # ONNX has no embedding bag; an exporter would make a loop over the products of it.
        mask = (ids != 0)[..., None]
        return (tokens(ids) * mask).sum(-2) / mask.sum(-2).clamp_min(1)
    flat = ids.reshape(-1, ids.shape[-1])
    # This never holds the embeddings of all tokens in memory at once.
    means = F.embedding_bag(flat, tokens.weight, mode="mean", padding_idx=0)
    return means.view(*ids.shape[:-1], tokens.embedding_dim)
