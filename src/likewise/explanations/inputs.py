"""The inputs of an encoder as tensors that have gradients, and the units of their parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.texts import TextReader
from likewise.encoders.base import TokenTable
from likewise.explanations.units import TEXTS, WORD, Unit, background, regions

# The first id of a token that is changed; rows before it may be those of padding in some models.
START = 8


class DifferentiableInput(ABC):
    """One modality of one product; a subclass says how it is mixed with its baseline.

    Attributes:
        modality: the name of the tensor that the encoder reads.
        side: 0 for the left product, 1 for the right one.
        whole: float, the input of the product.
        baseline: float of the same shape, the input without any unit.
    """

    modality: str
    side: int
    whole: Tensor
    baseline: Tensor

    def mixed(self, amounts: Tensor) -> Tensor:
        """Return points between baseline (0) and input (1), float [s, ...], for amounts [s]."""
        steps = amounts.view(-1, *[1] * self.whole.ndim)
        return (self.baseline + steps * (self.whole - self.baseline)).requires_grad_()

    @abstractmethod
    def tensor(self, mixed: Tensor) -> Tensor:
        """Return what the encoder reads, of a batch of mixed inputs."""

    @abstractmethod
    def by_unit(self, values: Tensor, count: int) -> np.ndarray:
        """Sum the contributions of all parts, shaped as ``whole``, by unit: float64 [count]."""


class PictureInput(DifferentiableInput):
    """A picture, whose baseline is the colour of its background.

    Args:
        picture: uint8 [c, h, w].
        units: of the product.
    """

    def __init__(
        self, modality: str, side: int, picture: Tensor, units: Sequence[Unit], grid: int
    ) -> None:
        self.modality, self.side = modality, side
        self.whole = picture.float() / 255
        self.baseline = (background(picture).float() / 255).expand_as(self.whole)
        self.places = [place for place, unit in enumerate(units) if unit.column == "image"]
        self.regions = regions(picture.shape[1], picture.shape[2], grid)

    def tensor(self, mixed: Tensor) -> Tensor:
        """See ``DifferentiableInput``."""
        return mixed

    def by_unit(self, values: Tensor, count: int) -> np.ndarray:
        """See ``DifferentiableInput``."""
        found = np.zeros(count)
        if self.places:
            summed = values.double().sum(0).flatten().cpu().numpy()
            sums = np.bincount(self.regions.flatten().numpy(), summed, len(self.places))
            found[self.places] = sums
        return found


class TextInput(DifferentiableInput):
    """A text; a subclass reads the embeddings or the weights of its tokens.

    A token counts equally for each word that it comes from. Tokens without a word, such as those
    that a tokeniser adds, do not change.

    Args:
        reader: of the text.
        product: columns and values.
        units: of the product.
    """

    def __init__(
        self,
        modality: str,
        side: int,
        reader: TextReader,
        product: dict[str, Any],
        units: Sequence[Unit],
    ) -> None:
        self.modality, self.side = modality, side
        words, places = _words(reader, product, units)
        self.encoded = reader.encode([" ".join(words)])
        self.sources = [
            [unit for word in found if (unit := places[word]) is not None]
            for found in reader.words_of_tokens(words)
        ]

    def _share(self, per_token: Tensor, count: int) -> np.ndarray:
        found = np.zeros(count)
        for units, value in zip(self.sources, per_token.double().tolist(), strict=True):
            for unit in units:
                found[unit] += value / len(units)
        return found

    def _changes(self) -> Tensor:
        """Whether each token belongs to a unit, bool [length]."""
        return torch.tensor([bool(units) for units in self.sources], dtype=torch.bool)


class TokenInput(TextInput):
    """The embeddings of the tokens of a text, whose baseline is 0.

    The encoder gets a table that has a row for each token of each mixed text, and ids of these
    rows, so that it needs no other way to read embeddings than by ids.

    Args:
        table: where the encoder keeps its embeddings.
        weight: the embeddings, float [rows, d].
    """

    def __init__(self, table: TokenTable, weight: Tensor, *rest: Any) -> None:
        super().__init__(*rest)
        self.table = table
        ids = self.encoded[0].to(weight.device)
        self.whole = weight.detach()[ids.long() - 1 + table.first]
        self.baseline = torch.where(self._changes().to(weight.device)[:, None], 0.0, self.whole)
        self.start = START

    def tensor(self, mixed: Tensor) -> Tensor:
        """See ``DifferentiableInput``; int32 ids [s, length] of the rows of the mixed table."""
        count = mixed.shape[0] * mixed.shape[1]
        ids = torch.arange(self.start, self.start + count, device=mixed.device, dtype=torch.int32)
        return ids.view(mixed.shape[:2])

    def by_unit(self, values: Tensor, count: int) -> np.ndarray:
        """See ``DifferentiableInput``."""
        return self._share(values.sum(1), count)


class WeightInput(TextInput):
    """The weights of the tokens of a text, such as TF-IDF, whose baseline is 0."""

    def __init__(self, device: torch.device | str, *rest: Any) -> None:
        super().__init__(*rest)
        length = len(self.sources)
        self.ids, self.whole = (row[:length].to(device) for row in self.encoded[0])
        self.baseline = torch.where(self._changes().to(device), 0.0, self.whole)

    def tensor(self, mixed: Tensor) -> Tensor:
        """See ``DifferentiableInput``; ids and weights, float [s, 2, length]."""
        return torch.stack([self.ids.expand_as(mixed), mixed], dim=1)

    def by_unit(self, values: Tensor, count: int) -> np.ndarray:
        """See ``DifferentiableInput``."""
        return self._share(values, count)


def _words(
    reader: TextReader, product: dict[str, Any], units: Sequence[Unit]
) -> tuple[list[str], list[int | None]]:
    """The words of the text that a reader makes of a product, and the unit of each."""
    known = {(unit.column, unit.place): at for at, unit in enumerate(units)}
    words: list[str] = []
    places: list[int | None] = []
    for column in (name for name in reader.columns if name in product):
        for place, label, text in reader.parts(column, product[column]):
            own = WORD.findall(text)
            marks = f"COL {label} VAL".split() if reader.markers else []
            words += [*marks, *own]
            places += [None] * len(marks)
            places += [
                known.get((column, at if column in TEXTS else place)) for at in range(len(own))
            ]
    return words, places
