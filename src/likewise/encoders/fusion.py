"""Several encoders, each of its modality, to one embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products, count
from likewise.encoders.base import Encoder
from likewise.encoders.reviews import masked_softmax
from likewise.errors import LikewiseError

KINDS = ("concatenation", "gated", "attention")


class Fusion(Encoder):
    """Encoders of any modalities, joined; a modality that a product lacks is left out.

    ``concatenation`` maps the embeddings side by side, a learned vector standing in for what is
    missing. ``gated`` weights embeddings dimension by dimension, by a softmax over the modalities
    there of gates that see all of them (after Arevalo et al., "Gated Multimodal Units for
    Information Fusion", 2017). ``attention`` weights whole embeddings by a softmax of their
    agreement with a learned query.

    Args:
        parts: encoders by a name of your choice; two may read one modality.
        how: one of the three.
        modality_dropout: probability in training that a modality of a product is hidden, never its
            last one (Neverova et al., "ModDrop", TPAMI 2016).
    """

    modality = "fusion"

    def __init__(
        self,
        parts: Mapping[str, Encoder],
        embedding_size: int,
        how: Literal["concatenation", "gated", "attention"] = "gated",
        modality_dropout: float = 0.1,
        nonnegative: bool = False,
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        if how not in KINDS:
            raise LikewiseError(f"encoder.how={how} is unknown; it can be {', '.join(KINDS)}")
        if not 0 <= modality_dropout <= 1:
            raise LikewiseError(
                f"encoder.modality_dropout={modality_dropout} must be between 0 and 1"
            )
        if len(parts) < 2:
            raise LikewiseError("encoder=fusion needs at least 2 parts, such as image and text")
        self.parts = nn.ModuleDict(parts)
        self.how, self.modality_dropout = how, modality_dropout
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
        if how == "concatenation":
            self.missing = nn.Parameter(torch.zeros(number, embedding_size))
            self.join = nn.Linear(number * embedding_size, embedding_size)
        elif how == "gated":
            self.gates = nn.Linear(number * embedding_size, number * embedding_size)
        else:
            self.query = nn.Parameter(torch.zeros(embedding_size))

    def forward(self, products: Products | Tensor) -> Tensor:
        """Products to float [b, embedding_size].

        A modality that is not in ``products`` at all is one that all of them lack.
        """
        if isinstance(products, Tensor):
            raise TypeError("a fusion encoder reads products by modality, not one tensor")
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
        embedding = self._join(torch.stack(embedded, dim=1), known)
        return F.softplus(embedding) if self.nonnegative else embedding

    @property
    def modalities(self) -> list[str]:
        """What its parts read, each once."""
        return list(dict.fromkeys(part.modality for part in self._encoders().values()))

    def _encoders(self) -> dict[str, Encoder]:
        return dict(self.parts.items())  # type: ignore[arg-type]

    def _hide(self, known: Tensor) -> Tensor:
        """bool [b, parts] with some taken away, of each modality as a whole."""
        order = [self.modalities.index(part.modality) for part in self._encoders().values()]
        places = torch.tensor(order, device=known.device)
        drawn = torch.rand(len(known), len(self.modalities), device=known.device)[:, places]
        # The one with the highest draw of those that are there is always kept.
        highest = drawn.masked_fill(~known, -1.0).amax(1, keepdim=True)
        return known & ((drawn >= self.modality_dropout) | (drawn == highest))

    def _join(self, embedded: Tensor, known: Tensor) -> Tensor:
        """Float [b, parts, embedding_size] and bool [b, parts] to float [b, embedding_size]."""
        if self.how == "concatenation":
            return self.join(torch.where(known[..., None], embedded, self.missing).flatten(1))
        if self.how == "gated":
            seen = torch.tanh(embedded * known[..., None])
            gates = self.gates(seen.flatten(1)).view_as(seen)
            mask = known[..., None].expand_as(seen)
            weights = masked_softmax(gates.transpose(1, 2), mask.transpose(1, 2)).transpose(1, 2)
            return (weights * embedded).sum(1)
        weights = masked_softmax(embedded @ self.query / self.embedding_size**0.5, known)
        return (weights[..., None] * embedded).sum(1)


def present(values: Tensor) -> Tensor:
    """bool [b]: whether a product has the modality; all zero is how readers say it has not."""
    return (values != 0).flatten(1).any(1)
