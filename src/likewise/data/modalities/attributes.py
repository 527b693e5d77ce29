"""Attributes and prices as standardised numbers and category codes."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.base import Reader
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

FILE = "attributes.json"
NUMERIC_SHARE = 0.95
# Columns of the catalogue that are read as attributes; so is the logarithm of the price.
CATEGORIES = ("brand", "category")


class Attributes(Reader):
    """Reads attributes as float32 [n, numeric + categories]: numeric columns, then category codes.

    An attribute is numeric if at least 95 % of its training values are numbers; otherwise it is
    categorical. A numeric attribute has two columns: its standardised value (0 if missing), and 1
    if the value is known. A categorical attribute has one column: the code of its value, or 0 if
    the value is missing or not among the coded training values.

    Args:
        max_categories: number of values of a categorical attribute that get a code; the most
            frequent ones are taken.

    Attributes:
        scales: mean and standard deviation of the training values, by numeric attribute.
        codes: the codes of the most frequent training values, from 1, by categorical attribute.
    """

    columns = (*CATEGORIES, "attributes", "price")

    def __init__(self, max_categories: int = 1000) -> None:
        self.max_categories = max_categories
        self.scales: dict[str, tuple[float, float]] = {}
        self.codes: dict[str, dict[str, int]] = {}

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.scales, self.codes = {}, {}
        values: dict[str, list[str]] = {}
        for product in _products(catalogue, rows):
            for name, value in product.items():
                values.setdefault(name, []).append(value)
        for name in sorted(values):
            numbers = [number for text in values[name] if (number := _number(text)) is not None]
            if len(numbers) >= NUMERIC_SHARE * len(values[name]):
                # The standard deviation of a constant is 0 and cannot be divided by.
                self.scales[name] = float(np.mean(numbers)), float(np.std(numbers)) or 1.0
            else:
                counts = Counter(values[name])
                frequent = sorted(counts, key=lambda value: (-counts[value], value))[
                    : self.max_categories
                ]
                self.codes[name] = {value: code for code, value in enumerate(frequent, 1)}

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        numeric = 2 * len(self.scales)
        table = np.zeros((len(rows), numeric + len(self.codes)), np.float32)
        for row, product in enumerate(_products(catalogue, rows)):
            for place, (name, (mean, deviation)) in enumerate(self.scales.items()):
                number = _number(product.get(name, ""))
                if number is not None:
                    table[row, 2 * place : 2 * place + 2] = (number - mean) / deviation, 1
            for place, (name, codes) in enumerate(self.codes.items(), numeric):
                table[row, place] = codes.get(product.get(name, ""), 0)
        return torch.from_numpy(table)

    def sizes(self) -> dict[str, Any]:
        """See ``Reader``."""
        # Code 0 is counted as well.
        cardinalities = [len(codes) + 1 for codes in self.codes.values()]
        return {"numeric": 2 * len(self.scales), "cardinalities": cardinalities}

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        content = json.dumps({"scales": self.scales, "codes": self.codes}, ensure_ascii=False)
        (folder / FILE).write_text(content, encoding="utf-8")

    def load(self, folder: Path) -> None:
        """See ``Reader``."""
        path = folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            scales = found["scales"].items()
            self.scales = {name: (float(mean), float(sd)) for name, (mean, sd) in scales}
            self.codes = found["codes"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise LikewiseError(f"{path} does not hold fitted attributes ({error})") from error


def _products(catalogue: Dataset, rows: np.ndarray) -> list[dict[str, str]]:
    """The names and values of each product's attributes, without missing ones."""
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
