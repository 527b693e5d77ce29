"""Attributes and prices as numbers and codes, on scales fitted to training products."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

NUMERIC_SHARE = 0.95
# Columns of the catalogue that are attributes, too; the price on a logarithmic scale.
CATEGORIES = ("brand", "category")


@dataclass(frozen=True)
class AttributeTensors:
    """The attributes of n products.

    Attributes:
        numeric: float32 [n, 2 a]: for each number its standardised value, 0 where it is missing,
            and beside it 1 where it is known.
        categorical: int64 [n, c]: codes, 0 where a category is missing or was not trained on.
    """

    numeric: Tensor
    categorical: Tensor


@dataclass(frozen=True)
class Attributes:
    """How attributes become tensors; ``fit`` makes it.

    An attribute is a number if at least 95 % of its training values are, else a category.

    Attributes:
        scales: by number, the mean and the standard deviation of the training values.
        codes: by category, its most frequent training values and their codes, from 1.
    """

    scales: dict[str, tuple[float, float]]
    codes: dict[str, dict[str, int]]

    @classmethod
    def fit(cls, catalogue: Dataset, rows: np.ndarray, most: int = 1000) -> Attributes:
        """Learn from some products.

        Args:
            rows: int64, the training products; no other is looked at.
            most: categories of an attribute that get a code, the most frequent.
        """
        scales: dict[str, tuple[float, float]] = {}
        codes: dict[str, dict[str, int]] = {}
        values: dict[str, list[str]] = {}
        for product in _products(catalogue, rows):
            for name, value in product.items():
                values.setdefault(name, []).append(value)
        for name in sorted(values):
            numbers = [number for text in values[name] if (number := _number(text)) is not None]
            if len(numbers) >= NUMERIC_SHARE * len(values[name]):
                # A constant has no spread to divide by.
                scales[name] = float(np.mean(numbers)), float(np.std(numbers)) or 1.0
            else:
                counts = Counter(values[name])
                frequent = sorted(counts, key=lambda value: (-counts[value], value))[:most]
                codes[name] = {value: code for code, value in enumerate(frequent, 1)}
        return cls(scales, codes)

    @classmethod
    def load(cls, path: str | Path) -> Attributes:
        """What ``save`` wrote."""
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            scales = {
                name: (float(mean), float(sd)) for name, (mean, sd) in found["scales"].items()
            }
            return cls(scales, found["codes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LikewiseError(f"{path} holds no attributes that were fitted ({error})") from error

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        Path(path).write_text(json.dumps(asdict(self), ensure_ascii=False), encoding="utf-8")

    @property
    def cardinalities(self) -> list[int]:
        """Codes of each category with the 0, the sizes of the embeddings they need."""
        return [len(codes) + 1 for codes in self.codes.values()]

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> AttributeTensors:
        """The attributes of some products, in the order of ``rows`` (int64 [n])."""
        numeric = np.zeros((len(rows), 2 * len(self.scales)), np.float32)
        categorical = np.zeros((len(rows), len(self.codes)), np.int64)
        for row, product in enumerate(_products(catalogue, rows)):
            for place, (name, (mean, deviation)) in enumerate(self.scales.items()):
                number = _number(product.get(name, ""))
                if number is not None:
                    numeric[row, 2 * place : 2 * place + 2] = (number - mean) / deviation, 1
            for place, (name, codes) in enumerate(self.codes.items()):
                categorical[row, place] = codes.get(product.get(name, ""), 0)
        return AttributeTensors(torch.from_numpy(numeric), torch.from_numpy(categorical))


def _products(catalogue: Dataset, rows: np.ndarray) -> list[dict[str, str]]:
    """Names and values of each product's attributes, those that are missing left out."""
    columns = ("attributes", "price", *CATEGORIES)
    names = [name for name in columns if name in catalogue.column_names]
    if not names:
        raise LikewiseError(
            f"the catalogue has no {', '.join(columns)}; it has {', '.join(catalogue.column_names)}"
        )
    table: dict[str, Sequence[Any]] = catalogue.select_columns(names).select(rows)[:]
    return [_values({name: table[name][row] for name in names}) for row in range(len(rows))]


def _values(product: dict[str, Any]) -> dict[str, str]:
    found = {item["name"]: item["value"] for item in product.get("attributes") or ()}
    found |= {name: product.get(name) for name in CATEGORIES}
    price = product.get("price")
    if price is not None and price > 0:
        found["log price"] = repr(math.log(price))
    return {name: value.strip() for name, value in found.items() if value and value.strip()}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
