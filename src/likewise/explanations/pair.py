"""A pair of products whose score is explained: its units, and its score without some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import make_catalogue
from likewise.data.modalities.base import ALL_BUT_PICTURES, Reader
from likewise.data.products import LabelledPairs, Products
from likewise.errors import LikewiseError
from likewise.explanations.units import Unit, masked_pictures, product_units, without
from likewise.matchers.base import Matcher

if TYPE_CHECKING:
    from datasets import Dataset

# Pairs that are scored at once.
CHUNK = 256
SIDES = ("left", "right")


class ProductPair:
    """Two products of a catalogue, and a model that scores them.

    Args:
        scorer: the matcher; it is put into evaluation mode.
        readers: fitted readers by modality.
        catalogue: the whole catalogue.
        rows: the rows of the left and the right product.
        grid: a picture has ``grid`` × ``grid`` regions.
        device: the device of the matcher.

    Attributes:
        units: of the left product, then of the right one; only what the model reads.

    Raises:
        LikewiseError: the products are one, or one of them has nothing that the model reads.
    """

    def __init__(
        self,
        scorer: Matcher,
        readers: Mapping[str, Reader],
        catalogue: Dataset,
        rows: tuple[int, int],
        grid: int = 7,
        device: torch.device | str = "cpu",
    ) -> None:
        self.scorer, self.readers, self.catalogue = scorer.eval(), dict(readers), catalogue
        self.rows, self.grid, self.device = rows, grid, device
        names = [name for name in catalogue.column_names if name != "image"]
        self.products: list[dict[str, Any]] = [catalogue.select_columns(names)[row] for row in rows]
        self.ids = tuple(str(product["product_id"]) for product in self.products)
        if rows[0] == rows[1]:
            raise LikewiseError(
                f"product {self.ids[0]} is given twice; name two different products of the "
                "catalogue"
            )
        self.pictures = {name: self._picture(name) for name in self._picture_readers}
        read = {*scorer.columns, *(c for reader in readers.values() for c in reader.columns)}
        columns = [name for name in (*ALL_BUT_PICTURES, "image") if name in read]
        sides = [
            product_units(self.products[0], columns, "left", grid, self._has_picture(0)),
            product_units(self.products[1], columns, "right", grid, self._has_picture(1)),
        ]
        for name, side in zip(self.ids, sides, strict=True):
            if not side:
                raise LikewiseError(
                    f"product {name} has nothing that the model reads ({', '.join(columns)}), so "
                    "there is nothing to explain"
                )
        self.sides: tuple[list[Unit], ...] = tuple(sides)
        self.units: tuple[Unit, ...] = (*sides[0], *sides[1])

    @property
    def _picture_readers(self) -> list[str]:
        return [name for name, reader in self.readers.items() if reader.tensor_kind == "pictures"]

    def _picture(self, name: str) -> Tensor:
        """uint8 [2, c, h, w]."""
        return self.readers[name](self.catalogue, np.array(self.rows)).to(self.device)

    def _has_picture(self, side: int) -> bool:
        return any(bool(pictures[side].any()) for pictures in self.pictures.values())

    @cached_property
    def score(self) -> float:
        """The score of the unchanged products."""
        return float(self.scores(np.ones((1, len(self.units)), dtype=bool))[0])

    @torch.no_grad()
    def scores(self, kept: np.ndarray) -> np.ndarray:
        """Return the scores of the pair without some of its units, float64 [k].

        Args:
            kept: bool [k, units], the units that are left.

        Raises:
            LikewiseError: the score depends on other products of the catalogue, too.
        """
        if not self.scorer.reads_the_pair_alone:
            raise LikewiseError(
                "this matcher also reads the place of the pair in the whole catalogue, so its "
                "words cannot be left out one by one; use explanation=shapley"
            )
        parts = [self._scores(kept[start : start + CHUNK]) for start in range(0, len(kept), CHUNK)]
        return np.concatenate(parts)

    def _scores(self, kept: np.ndarray) -> np.ndarray:
        count = len(self.sides[0])
        found = [
            np.unique(part, axis=0, return_inverse=True)
            for part in (kept[:, :count], kept[:, count:])
        ]
        (lefts, left), (rights, right) = found
        catalogue, products = self._changed([lefts, rights])
        pairs = LabelledPairs(
            products,
            torch.from_numpy(left.reshape(-1)).to(self.device),
            torch.from_numpy(len(lefts) + right.reshape(-1)).to(self.device),
            torch.zeros(len(kept), dtype=torch.int64, device=self.device),
            catalogue,
            np.arange(len(catalogue)),
        )
        return self.scorer.match_pairs(pairs).double().cpu().numpy()

    def _changed(self, kept: Sequence[np.ndarray]) -> tuple[Dataset, Products]:
        """Versions of both products as a catalogue without pictures, and as tensors."""
        rows: list[dict[str, Any]] = []
        for product, units, masks in zip(self.products, self.sides, kept, strict=True):
            for mask in masks:
                gone = [unit for unit, there in zip(units, mask, strict=True) if not there]
                rows.append(without(product, gone))
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        columns["product_id"] = [str(place) for place in range(len(rows))]
        catalogue = make_catalogue(columns)
        every = np.arange(len(rows))
        products = {
            name: self._masked(name, kept)
            if name in self.pictures
            else reader(catalogue, every).to(self.device)
            for name, reader in self.readers.items()
        }
        return catalogue, products

    def _masked(self, name: str, kept: Sequence[np.ndarray]) -> Tensor:
        parts = []
        for picture, units, masks in zip(self.pictures[name], self.sides, kept, strict=True):
            seen = masks[:, [unit.column == "image" for unit in units]]
            whole = picture.expand(len(masks), *picture.shape)
            parts.append(masked_pictures(picture, seen, self.grid) if seen.size else whole)
        return torch.cat(parts)

    def as_pairs(self) -> LabelledPairs:
        """Return the unchanged pair as it stands in its catalogue."""
        rows = np.array(self.rows)
        products = {
            name: reader(self.catalogue, rows).to(self.device)
            for name, reader in self.readers.items()
        }
        ends = torch.arange(2, device=self.device)
        label = torch.zeros(1, dtype=torch.int64, device=self.device)
        return LabelledPairs(products, ends[:1], ends[1:], label, self.catalogue, rows)
