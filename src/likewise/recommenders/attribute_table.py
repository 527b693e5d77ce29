"""What is known of products, as a sparse table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("attributes", "brand", "category")


def attribute_table(catalogue: Dataset) -> csr_matrix:
    """float32 [n, a], 1 where a product has an attribute of a certain value.

    An attribute may have several values. Values of one product only tell nothing about others and
    are left out.
    """
    names = [name for name in COLUMNS if name in catalogue.column_names]
    if not names:
        raise LikewiseError(
            f"the catalogue has no {', '.join(COLUMNS)}; it has {', '.join(catalogue.column_names)}"
        )
    columns = catalogue.select_columns(names)[:]
    places: dict[tuple[str, str], int] = {}
    rows: list[int] = []
    found: list[int] = []
    for name in names:
        for row, value in enumerate(columns[name]):
            own = value if name == "attributes" else [{"name": name, "value": value}]
            known = {(item["name"], item["value"]) for item in own or () if item["value"]}
            rows += [row] * len(known)
            found += [places.setdefault(pair, len(places)) for pair in sorted(known)]
    ones = np.ones(len(rows), np.float32)
    table = csr_matrix((ones, (rows, found)), shape=(len(catalogue), len(places)))
    return table[:, np.flatnonzero(np.asarray(table.sum(0)).ravel() > 1)]
