"""The contexts of logged rounds as tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from likewise.data.relevance import LoggedFeedback

# Columns of a context that identify it and say nothing about other contexts.
IDENTIFIERS = ("user", "time")
LINKS = "affinity"
FEATURES = 256


@dataclass(frozen=True)
class Contexts:
    """What a policy knows before it chooses.

    Attributes:
        features: float32 [m, ``FEATURES``]: the position and the columns of the context, hashed, so
            that every log is read in the same way. A text counts 1 for each value, a number x
            counts sign(x) log(1 + |x|); ``user`` and ``time`` are left out.
        links: float32 [m, n], from the column ``affinity``: how strongly a context is linked with
            each product of the catalogue; each row adds up to 1, or to 0 if there is no link.
        position: int64 [m].
    """

    features: Tensor
    links: Tensor
    position: Tensor

    def __len__(self) -> int:
        """The number of contexts."""
        return len(self.features)

    def __getitem__(self, rows: Tensor) -> Contexts:
        """Select contexts, int64."""
        return Contexts(self.features[rows], self.links[rows], self.position[rows])

    def to(self, device: torch.device | str) -> Contexts:
        """Copy to a device."""
        return Contexts(*(one.to(device) for one in (self.features, self.links, self.position)))

    @staticmethod
    def of(feedback: LoggedFeedback, rows: np.ndarray, products: int) -> Contexts:
        """Read the contexts of some rounds.

        Args:
            rows: int64 [m], of the log.
            products: number of products of the catalogue.
        """
        table = feedback.context.with_format("arrow").select(rows)[:] if len(rows) else pa.table({})
        position = feedback.position[rows]
        return Contexts(
            hashed_features(table, position),
            torch.from_numpy(_links(table, len(rows), products)),
            torch.from_numpy(position),
        )


def hashed_features(table: pa.Table, position: np.ndarray) -> Tensor:
    """Return the features of contexts, float32 [m, ``FEATURES``], see ``Contexts``.

    Args:
        table: the columns of the contexts, with a row for each, or without columns.
        position: int64 [m].
    """
    from sklearn.feature_extraction import FeatureHasher

    pairs = [[(f"position={one}", 1.0)] for one in position.tolist()]
    for name in table.column_names:
        if name not in (*IDENTIFIERS, LINKS):
            for row, pair in enumerate(_pairs(name, table[name])):
                pairs[row] += pair
    if not pairs:
        return torch.zeros(0, FEATURES)
    hasher = FeatureHasher(FEATURES, input_type="pair", dtype=np.float32)
    return torch.from_numpy(hasher.transform(pairs).toarray()).float()


def _pairs(name: str, column: pa.ChunkedArray) -> Iterator[list[tuple[str, float]]]:
    """Names and values of the features of each row; a missing value has none."""
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    for value in column.to_pylist():
        if value is None or isinstance(value, list):
            yield []
        elif number:
            yield [(name, float(np.sign(value) * np.log1p(abs(value))))]
        else:
            yield [(f"{name}={value}", 1.0)]


def _links(table: pa.Table, rows: int, products: int) -> np.ndarray:
    if LINKS not in table.column_names:
        return np.zeros((rows, products), np.float32)
    links = np.array(table[LINKS].to_pylist(), np.float32).reshape(rows, products)
    sums = links.sum(1, keepdims=True)
    return links / np.where(sums > 0, sums, 1)
