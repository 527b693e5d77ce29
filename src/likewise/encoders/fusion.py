"""Fusion of several encoders, one per modality, into one embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products, count
from likewise.encoders.base import Encoder, TokenTable
from likewise.encoders.reviews import masked_softmax
from likewise.errors import LikewiseError

KINDS = ("concatenation", "gated", "attention")


class Fusion(Encoder):
    """Fuses encoders of several modalities; a modality that a product lacks is left out.

    ``concatenation`` applies a linear layer to the concatenated embeddings; a learned vector
    replaces the embedding of a missing modality. ``gated`` is a weighted mean for each dimension:
    the weights are a softmax over the available modalities, of gates that read all of them (after
    Arevalo et al., "Gated Multimodal Units for Information Fusion", 2017). ``attention`` is a
    weighted mean of whole embeddings: the weights are a softmax of their dot products with a
    learned query.

    Args:
        parts: encoders by a name of your choice; two of them may read the same modality.
        fusion_type: ``concatenation``, ``gated`` or ``attention``.
        modality_dropout: probability that a modality of a product is hidden in training; one
            modality is always kept (Neverova et al., "ModDrop", TPAMI 2016).
    """

    modality = "fusion"

    def __init__(
        self,
        parts: Mapping[str, Encoder],
        embedding_size: int,
        fusion_type: Literal["concatenation", "gated", "attention"] = "gated",
        modality_dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        if fusion_type not in KINDS:
            raise LikewiseError(
                f"encoder.fusion_type={fusion_type} is unknown; it can be {', '.join(KINDS)}"
            )
        if not 0 <= modality_dropout <= 1:
            raise LikewiseError(
                f"encoder.modality_dropout={modality_dropout} must be between 0 and 1"
            )
        if len(parts) < 2:
            raise LikewiseError("encoder=fusion needs at least 2 parts, such as image and text")
        self.parts = nn.ModuleDict(parts)
        self.fusion_type, self.modality_dropout = fusion_type, modality_dropout
        self.maps = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.LayerNorm(part.embedding_size),
                    nn.Linear(part.embedding_size, embedding_size),
                )
                for name, part in parts.items()
            }
        )
        number = len(parts)
        if fusion_type == "concatenation":
            self.missing = nn.Parameter(torch.zeros(number, embedding_size))
            self.join = nn.Linear(number * embedding_size, embedding_size)
        elif fusion_type == "gated":
            self.gates = nn.Linear(number * embedding_size, number * embedding_size)
        else:
            self.query = nn.Parameter(torch.zeros(embedding_size))

    def forward(self, products: Products | Tensor) -> Tensor:
        """Map products to float [b, embedding_size].

        If a modality is not in ``products``, all products lack it.
        """
        if isinstance(products, Tensor):
            raise TypeError("a fusion encoder reads products by modality, not one tensor")
        embedding = self._join(*self._embedded(products))
        return F.softplus(embedding) if self.nonnegative else embedding

    def contributions(self, products: Products) -> tuple[list[str], Tensor]:
        """Return the parts of the sum that the embedding is, before the non-negativity constraint.

        Returns:
            The names of the parts, and their vectors, float [b, parts, embedding_size]. With
            ``fusion_type=concatenation``, the last part is the constant of the linear layer.
        """
        names = list(self.parts)
        embedded, known = self._embedded(products)
        if self.fusion_type != "concatenation":
            return names, self._weights(embedded, known) * embedded
        there = torch.where(known[..., None], embedded, self.missing)
        weights = self.join.weight.view(self.embedding_size, len(names), self.embedding_size)
        parts = torch.einsum("bpe,dpe->bpd", there, weights)
        constant = self.join.bias.expand(len(parts), 1, -1)
        return [*names, "constant"], torch.cat([parts, constant], dim=1)

    def _embedded(self, products: Products) -> tuple[Tensor, Tensor]:
        """The embedding of each part, [b, parts, d], and whether it is known, bool [b, parts]."""
        there = {name: products.get(part.modality) for name, part in self._encoders().items()}
        if all(values is None for values in there.values()):
            raise LikewiseError(
                f"the products have none of {', '.join(self.modalities)}, which the encoder reads"
            )
        size, device = count(products), next(self.parameters()).device
        nowhere = torch.zeros(size, dtype=torch.bool, device=device)
        known = torch.stack(
            [nowhere if values is None else present(values) for values in there.values()], dim=1
        )
        if self.training and self.modality_dropout:
            known = self._hide(known)
        embedded = [
            torch.zeros(size, self.embedding_size, device=device)
            if (values := there[name]) is None
            else self.maps[name](part.features(values))
            for name, part in self._encoders().items()
        ]
        return torch.stack(embedded, dim=1), known

    @property
    def modalities(self) -> list[str]:
        """The modalities that the encoders read, each listed once."""
        return list(dict.fromkeys(part.modality for part in self._encoders().values()))

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``."""
        return [
            table.inside(f"parts.{name}")
            for name, part in self._encoders().items()
            for table in part.token_tables()
        ]

    def _encoders(self) -> dict[str, Encoder]:
        return cast("dict[str, Encoder]", dict(self.parts.items()))

    def _hide(self, known: Tensor) -> Tensor:
        """Modality dropout: bool [b, parts] in which some modalities are set to False."""
        order = [self.modalities.index(part.modality) for part in self._encoders().values()]
        places = torch.tensor(order, device=known.device)
        drawn = torch.rand(len(known), len(self.modalities), device=known.device)[:, places]
        # The available modality with the highest draw is always kept.
        highest = drawn.masked_fill(~known, -1.0).amax(1, keepdim=True)
        return known & ((drawn >= self.modality_dropout) | (drawn == highest))

    def _join(self, embedded: Tensor, known: Tensor) -> Tensor:
        """Fuse embeddings [b, parts, d], known [b, parts] of bool, to float [b, d]."""
        if self.fusion_type == "concatenation":
            return self.join(torch.where(known[..., None], embedded, self.missing).flatten(1))
        return (self._weights(embedded, known) * embedded).sum(1)

    def _weights(self, embedded: Tensor, known: Tensor) -> Tensor:
        """The weights of the mean, float [b, parts, d] for gates or [b, parts, 1] for attention."""
        if self.fusion_type == "gated":
            seen = torch.tanh(embedded * known[..., None])
            gates = self.gates(seen.flatten(1)).view_as(seen)
            mask = known[..., None].expand_as(seen)
            return masked_softmax(gates.transpose(1, 2), mask.transpose(1, 2)).transpose(1, 2)
        scores = embedded @ self.query / self.embedding_size**0.5
        return masked_softmax(scores, known)[..., None]


def present(values: Tensor) -> Tensor:
    """Whether each product has the modality, bool [b]; readers give zeros where it is missing."""
    return (values != 0).flatten(1).any(1)
