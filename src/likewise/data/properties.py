"""What is known of products by name: their brand, category and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("brand", "category")


def properties(catalogue: Dataset) -> csr_matrix:
    """float32 [n, p]: 1 where a product has a brand, a category or an attribute's value."""
    table = catalogue.with_format("arrow")
    numbers: dict[tuple[str, str], int] = {}
    rows: list[int] = []
    columns: list[int] = []

    def add(row: int, name: str, value: str | None) -> None:
        if value:
            rows.append(row)
            columns.append(numbers.setdefault((name, value), len(numbers)))

    for name in (name for name in COLUMNS if name in catalogue.column_names):
        for row, value in enumerate(table[name][:].to_pylist()):
            add(row, name, value)
    if "attributes" in catalogue.column_names:
        for row, attributes in enumerate(table["attributes"][:].to_pylist()):
            for attribute in attributes or []:
                add(row, attribute["name"], attribute["value"])
    size = len(catalogue), len(numbers)
    found = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=size)
    found.sum_duplicates()
    found.data[:] = 1
    return found
