"""Token embeddings without their order."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from likewise.encoders.text import TextEncoder


class Bag(TextEncoder):
    """The mean of the embeddings of a text's tokens, then a multi-layer perceptron.

    Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification",
    ACL 2015 (deep averaging network); with ``text=ngrams`` the input of fastText.

    Args:
        vocabulary_size: token ids are below it; 0 is none.
        width: of a token's embedding.
        hidden_sizes: widths of the hidden layers; without any, the mean is only mapped to
            ``embedding_size``, and with ``width`` equal to that it is the embedding.
        dropout: probability before each linear layer.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        width: int = 128,
        hidden_sizes: Sequence[int] = (256,),
        dropout: float = 0.1,
        nonnegative: bool = False,
        modality: str = "text",
    ) -> None:
        super().__init__(embedding_size, nonnegative, modality)
        self.tokens = nn.Embedding(vocabulary_size, width, padding_idx=0)
        layers: list[nn.Module] = []
        before = width
        for size in hidden_sizes:
            layers += [nn.Dropout(dropout), nn.Linear(before, size), nn.ReLU()]
            before = size
        if hidden_sizes or width != embedding_size:
            layers += [nn.Dropout(dropout), nn.Linear(before, embedding_size)]
        self.layers = nn.Sequential(*layers)

    def features(self, products: Tensor) -> Tensor:
        """Token ids [b, length] to float [b, embedding_size]."""
        return self.layers(mean_embedding(self.tokens, products))


def mean_embedding(tokens: nn.Embedding, ids: Tensor) -> Tensor:
    """The mean over the ids [..., length] that are not 0, float [..., width]; zero without any."""
    if not ids.shape[-1]:
        ids = ids.new_zeros(*ids.shape[:-1], 1)
    flat = ids.reshape(-1, ids.shape[-1])
    # Never holds the embeddings of all tokens at once.
    means = F.embedding_bag(flat, tokens.weight, mode="mean", padding_idx=0)
    return means.view(*ids.shape[:-1], tokens.embedding_dim)
