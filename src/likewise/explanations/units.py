"""The units of a product: words, attributes, the price, reviews and regions of its picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

# Columns whose units are words.
TEXTS = ("title", "brand", "category", "description")
WORD = re.compile(r"\S+")

Side = Literal["left", "right", "both"]


@dataclass(frozen=True)
class Unit:
    """A part of what is explained, which has one contribution.

    Attributes:
        side: the product that it belongs to; ``both`` if it belongs to the pair.
        column: the column of the catalogue, or the kind of the unit.
        place: its position in the column; a region of a picture is ``row * grid + column``.
        text: how it is printed.
    """

    side: Side
    column: str
    place: int
    text: str


def product_units(
    product: Mapping[str, Any], columns: Sequence[str], side: Side, grid: int, picture: bool
) -> list[Unit]:
    """List the units of a product.

    Args:
        product: columns and values; the picture is not among them.
        columns: the columns that the model reads, in the order of their units.
        grid: a picture has ``grid`` × ``grid`` regions.
        picture: whether the product has a picture that the model reads.
    """
    found: list[Unit] = []
    for column in (name for name in columns if name in product):
        texts = _texts(column, product[column])
        found += [Unit(side, column, place, text) for place, text in texts]
    regions = grid * grid if picture else 0
    found += [
        Unit(side, "image", place, f"row {place // grid + 1}, column {place % grid + 1}")
        for place in range(regions)
    ]
    return found


def _texts(column: str, value: Any) -> list[tuple[int, str]]:
    """The position and the text of each unit of one column."""
    if value is None:
        return []
    if column in TEXTS:
        return list(enumerate(WORD.findall(value)))
    if column == "attributes":
        return [
            (place, f"{item['name']}: {item['value']}")
            for place, item in enumerate(value)
            if item["value"] and item["value"].strip()
        ]
    if column == "reviews":
        return [(place, text) for place, text in enumerate(value) if text and text.strip()]
    return [(0, f"{value:g}")] if column == "price" else []


def without(product: Mapping[str, Any], removed: Sequence[Unit]) -> dict[str, Any]:
    """Return the columns of a product without some of its units; nothing else changes."""
    gone: dict[str, set[int]] = {}
    for unit in removed:
        gone.setdefault(unit.column, set()).add(unit.place)
    changed = dict(product)
    for column, places in gone.items():
        if column in TEXTS:
            words = WORD.findall(product[column])
            changed[column] = " ".join(w for place, w in enumerate(words) if place not in places)
        elif column == "price":
            changed[column] = None
        elif column in product:
            values = enumerate(product[column])
            changed[column] = [value for place, value in values if place not in places]
    return changed


def regions(height: int, width: int, grid: int) -> Tensor:
    """Return the region of each pixel, int64 [height, width], from 0 to ``grid * grid - 1``."""
    rows = torch.arange(height) * grid // height
    return rows[:, None] * grid + (torch.arange(width) * grid // width)


def background(picture: Tensor) -> Tensor:
    """Return the median colour of the outermost pixels of a picture [c, h, w], [c, 1, 1].

    It takes the place of a region that is left out: product pictures have a plain background, and
    its colour adds no edge where there was none.
    """
    edges = [picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]]
    return torch.cat(edges, dim=1).median(dim=1).values[:, None, None]


def masked_pictures(picture: Tensor, kept: np.ndarray, grid: int) -> Tensor:
    """Return copies of a picture [c, h, w] in which some regions have the background's colour.

    Args:
        kept: bool [k, grid * grid].

    Returns:
        [k, c, h, w], of the type of the picture.
    """
    place = regions(picture.shape[1], picture.shape[2], grid).to(picture.device)
    seen = torch.from_numpy(kept).to(picture.device)[:, place]
    return torch.where(seen[:, None], picture, background(picture))
