"""A multi-layer perceptron over the attributes of a product."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError


class AttributeMLP(Encoder):
    """A multi-layer perceptron over numeric attributes and embedded categorical attributes.

    Guo and Berkhahn, "Entity Embeddings of Categorical Variables", 2016.

    Args:
        numeric: number of numeric columns, which come first.
        cardinalities: number of codes of each categorical attribute, including code 0 (unknown).
        max_category_embedding_size: upper limit of the size of a category's embedding.
        hidden_sizes: sizes of the hidden layers.
        dropout: dropout probability after each hidden layer.
    """

    modality = "attributes"

    def __init__(
        self,
        numeric: int,
        cardinalities: Sequence[int],
        embedding_size: int,
        max_category_embedding_size: int = 32,
        hidden_sizes: Sequence[int] = (128,),
        dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        if not numeric and not cardinalities:
            raise LikewiseError("encoder=attributes finds no attribute in these data")
        self.numeric = numeric
        # An embedding needs no more dimensions than there are codes.
        sizes = [min(max_category_embedding_size, codes) for codes in cardinalities]
        self.categories = nn.ModuleList(
            nn.Embedding(codes, size, padding_idx=0)
            for codes, size in zip(cardinalities, sizes, strict=True)
        )
        before = numeric + sum(sizes)
        layers: list[nn.Module] = []
        for size in hidden_sizes:
            layers += [nn.Linear(before, size), nn.LayerNorm(size), nn.ReLU(), nn.Dropout(dropout)]
            before = size
        self.layers = nn.Sequential(*layers, nn.Linear(before, embedding_size))

    def features(self, products: Tensor) -> Tensor:
        """Map float [b, numeric + categories], codes included, to float [b, embedding_size]."""
        codes = products[:, self.numeric :].long()
        known = [category(codes[:, place]) for place, category in enumerate(self.categories)]
        return self.layers(torch.cat([products[:, : self.numeric], *known], dim=1))
