"""Small data made by code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.histories import Histories
from likewise.data.relevance import Events, Trust


def make_data(
    products: int, sequences: list[list[int]], trust: list[tuple[int, int]] | None = None
) -> ProductData:
    """A catalogue with what people did; person i is the user 10 i."""
    user = np.repeat(np.arange(len(sequences)) * 10, [len(one) for one in sequences])
    events = {"user": user, "product": np.array([row for one in sequences for row in one], int)}
    pairs = 10 * np.array(trust or [], int).reshape(-1, 2)
    return ProductData(
        catalogue=make_catalogue({"product_id": [str(row) for row in range(products)]}),
        splits={"train": np.arange(products)},
        fingerprint="",
        relevance=(
            Events(
                Dataset(pa.table(events)),
                {"train": np.arange(len(user))},
                Trust(pairs[:, 0], pairs[:, 1]),
            ),
        ),
    )


@pytest.fixture(scope="session")
def catalogue() -> Callable[..., ProductData]:
    """Makes data, see ``make_data``."""
    return make_data


@pytest.fixture(scope="session")
def shop() -> tuple[list[list[int]], Histories, ProductData]:
    """Sequences of 30 people among 14 products, of which nobody had the last; who trusts whom.

    Person 0 did nothing, person 1 has one event, person 2 has one product three times, and all
    others have product 0.
    """
    generator = np.random.default_rng(0)
    sequences = [[], [3], [5, 5, 2, 5]]
    for _ in range(27):
        bought = generator.choice(np.arange(1, 13), generator.integers(1, 7), replace=False)
        sequences.append([int(one) for one in generator.permutation([0, *bought])])
    trust = [(3, 4), (3, 5), (4, 3), (5, 6), (7, 3), (7, 3), (8, 8), (9, 99)]
    # The users of the data are those with events, so person 0 is not among them.
    data = make_data(14, sequences, trust)
    found = Histories.of(sequences[1:])
    return sequences[1:], Histories(found.products, found.ends, np.arange(len(found))), data
