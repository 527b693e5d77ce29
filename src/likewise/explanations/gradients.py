"""Gradients of the score of a pair with respect to what its encoder reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from likewise.data.modalities.texts import TextReader
from likewise.data.products import Products
from likewise.errors import LikewiseError
from likewise.explanations.inputs import (
    START,
    DifferentiableInput,
    PictureInput,
    TokenInput,
    WeightInput,
)
from likewise.explanations.pair import ProductPair

# Scores [b] of a batch of left and right products.
Function = Callable[[Products, Products], Tensor]


class PairGradients:
    """Contributions of units by gradients along the line from the baseline to a pair of products.

    Args:
        pair: its scorer has an encoder.
        name: the choice of the explanation, for messages.

    Raises:
        LikewiseError: the encoder reads something that has no gradient.
    """

    def __init__(self, pair: ProductPair, name: str) -> None:
        encoder = pair.scorer.encoder
        if encoder is None:
            raise LikewiseError(refusal(name, f"{type(pair.scorer).__name__} has no encoder"))
        self.pair, self.tables = pair, encoder.token_tables()
        self.weights = dict(encoder.named_parameters())
        self.inputs: list[DifferentiableInput] = []
        for modality, side in product(pair.readers, range(2)):
            found = self._inputs(modality, side)
            if not found:
                what = f"{type(encoder).__name__} reads {modality}, which has no gradient"
                raise LikewiseError(refusal(name, what))
            self.inputs += found

    def _inputs(self, modality: str, side: int) -> list[DifferentiableInput]:
        pair, reader = self.pair, self.pair.readers[modality]
        units = pair.sides[side]
        if reader.tensor_kind == "pictures":
            picture = pair.pictures[modality][side]
            return [PictureInput(modality, side, picture, units, pair.grid)]
        if not isinstance(reader, TextReader):
            return []
        rest = modality, side, reader, pair.products[side], units
        if reader.tensor_kind == "weights":
            return [WeightInput(pair.device, *rest)]
        return [
            TokenInput(table, self.weights[table.parameter], *rest)
            for table in self.tables
            if table.modality == modality
        ]

    def contributions(
        self, amounts: Sequence[float], function: Function, moved: Sequence[int] = (0, 1)
    ) -> np.ndarray:
        """Return the contribution of each unit of the moved products, float64 [units].

        It is the difference between input and baseline times the mean gradient of ``function`` at
        the given points between them (0 is the baseline, 1 the input).

        Args:
            moved: the products that move, 0 for the left one; another one stays whole.
        """
        mixed = self._mixed(amounts, moved)
        value = self._value(mixed, function).sum()
        gradients = torch.autograd.grad(value, mixed, allow_unused=True)
        count = [len(side) for side in self.pair.sides]
        found = [np.zeros(one) for one in count]
        for part, gradient in zip(self.inputs, gradients, strict=True):
            if gradient is not None and part.side in moved:
                values = (part.whole - part.baseline) * gradient.mean(0)
                found[part.side] += part.by_unit(values, count[part.side])
        return np.concatenate(found)

    @torch.no_grad()
    def value(self, amount: float, function: Function, moved: Sequence[int]) -> float:
        """Return the value of ``function`` at one point, see ``contributions``."""
        return float(self._value(self._mixed([amount], moved), function))

    def _mixed(self, amounts: Sequence[float], moved: Sequence[int]) -> list[Tensor]:
        points = torch.tensor(amounts, device=self.pair.device)
        whole = torch.ones_like(points)
        return [part.mixed(points if part.side in moved else whole) for part in self.inputs]

    def _value(self, mixed: Sequence[Tensor], function: Function) -> Tensor:
        sides: tuple[dict[str, Tensor], dict[str, Tensor]] = {}, {}
        rows: dict[str, list[Tensor]] = {}
        for part, points in zip(self.inputs, mixed, strict=True):
            if isinstance(part, TokenInput):
                name = f"scorer.encoder.{part.table.parameter}"
                before = rows.setdefault(name, [_unread(points, START - 1 + part.table.first)])
                part.start = START + sum(map(len, before[1:]))
                before.append(points.flatten(0, 1))
            sides[part.side][part.modality] = part.tensor(points)
        tables = {name: torch.cat(parts) for name, parts in rows.items()}
        # In evaluation mode, cuDNN has no gradients of recurrent networks.
        with torch.backends.cudnn.flags(enabled=False):
            return functional_call(_Applied(self.pair.scorer, function), tables, sides)


class _Applied(nn.Module):
    """A function of products that uses a scorer, as a module whose parameters can be replaced."""

    def __init__(self, scorer: nn.Module, function: Function) -> None:
        super().__init__()
        self.scorer, self.function = scorer, function

    def forward(self, left: Products, right: Products) -> Tensor:
        """Return the values, float [b]."""
        return self.function(left, right)


def _unread(points: Tensor, rows: int) -> Tensor:
    return points.new_zeros(rows, points.shape[-1])


def refusal(name: str, why: str) -> str:
    """Return the sentence for a model that an explanation by gradients cannot explain."""
    return f"explanation={name} needs gradients, and {why}; use explanation=occlusion"
