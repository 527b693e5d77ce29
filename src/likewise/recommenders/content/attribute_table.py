"""What is known of products, as a sparse table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from likewise.data.properties import properties
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


def attribute_table(catalogue: Dataset) -> csr_matrix:
    """float32 [n, a], 1 where a product has a brand, a category or an attribute of a certain value.

    Values of one product only tell nothing about others and are left out.

    Raises:
        LikewiseError: nothing is known of any product.
    """
    table = properties(catalogue)
    if not table.shape[1]:
        raise LikewiseError(
            "no product of the catalogue has attributes, a brand or a category; it has the columns "
            f"{', '.join(catalogue.column_names)}"
        )
    return table[:, np.flatnonzero(np.asarray(table.sum(0)).ravel() > 1)]
