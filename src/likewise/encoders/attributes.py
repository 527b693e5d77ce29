"""Multi-layer perceptron over attributes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError


class AttributeMLP(Encoder):
    """Numbers, and an embedding of each category, side by side through linear layers.

    Guo and Berkhahn, "Entity Embeddings of Categorical Variables", 2016.

    Args:
        numeric: columns of numbers, which come first.
        cardinalities: codes of each category, 0 (not known) among them.
        width: at most, of a category's embedding.
        hidden_sizes: widths of the hidden layers.
        dropout: probability after each hidden layer.
    """

    modality = "attributes"

    def __init__(
        self,
        numeric: int,
        cardinalities: Sequence[int],
        embedding_size: int,
        width: int = 32,
        hidden_sizes: Sequence[int] = (128,),
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        if not numeric and not cardinalities:
            raise LikewiseError("encoder=attributes has no attribute to read in these data")
        self.numeric = numeric
        # Fewer dimensions than codes are enough to tell these apart.
        self.categories = nn.ModuleList(
            nn.Embedding(codes, min(width, codes), padding_idx=0) for codes in cardinalities
        )
        before = numeric + sum(min(width, codes) for codes in cardinalities)
        layers: list[nn.Module] = []
        for size in hidden_sizes:
            layers += [nn.Linear(before, size), nn.LayerNorm(size), nn.ReLU(), nn.Dropout(dropout)]
            before = size
        self.layers = nn.Sequential(*layers, nn.Linear(before, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Float [b, numeric + categories], codes as floats, to float [b, embedding_size]."""
        codes = products[:, self.numeric :].long()
        known = [category(codes[:, place]) for place, category in enumerate(self.categories)]
        return self.layers(torch.cat([products[:, : self.numeric], *known], dim=1))
