"""Queries beside the products that may answer them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import make_catalogue
from likewise.data.module import ProductModule
from likewise.data.products import LabelledPairs, join, take

if TYPE_CHECKING:
    from datasets import Dataset


def as_products(texts: Sequence[str]) -> Dataset:
    """A catalogue of texts: products that have them as titles and nothing else."""
    # Two queries may have the same text once they are cleaned.
    ids = [str(place) for place in range(len(texts))]
    return make_catalogue({"product_id": ids, "title": list(texts)})


def query_pairs(
    module: ProductModule,
    texts: Sequence[str],
    query: np.ndarray,
    product: np.ndarray,
    size: int,
    device: torch.device | str = "cpu",
) -> Iterator[LabelledPairs]:
    """Pairs of a query, on the left, and a product, on the right, ``size`` at a time.

    Args:
        texts: of the queries.
        query: int64 [m], places in ``texts``.
        product: int64 [m], rows of the catalogue.
    """
    from datasets import concatenate_datasets

    titles = as_products(texts)
    queries = module.read(titles)
    both = concatenate_datasets([titles, module.data.catalogue])
    for start in range(0, len(query), size):
        some = slice(start, start + size)
        asked, left = np.unique(query[some], return_inverse=True)
        rows, right = np.unique(product[some], return_inverse=True)
        products = join(
            take(queries, torch.from_numpy(asked)), take(module.products, torch.from_numpy(rows))
        )
        yield LabelledPairs(
            {name: values.to(device) for name, values in products.items()},
            _places(left, device),
            _places(right + len(asked), device),
            torch.zeros(len(left), dtype=torch.int64, device=device),
            both,
            np.concatenate([asked, len(texts) + rows]),
        )


def _places(values: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.from_numpy(values.astype(np.int64)).to(device)
