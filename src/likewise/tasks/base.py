"""What a task is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.encoders.base import Encoder
from likewise.metrics.specification import MetricSpecification


@dataclass(frozen=True)
class Result:
    """How an encoder did on a split.

    Attributes:
        scores: by split and metric, such as ``test/map_at_r``.
        table: columns of equal length, a row a query or pair, with ``product_id`` and the values
            whose mean (without NaN) each metric is.
        embeddings: float32 [n, d] of the split's products, where the task makes them.
        clusters: columns of the table by which its rows depend on one another, such as the group
            of a query; rows that share a value are one draw, not several. Two columns hold ids of
            one kind, such as the two products of a pair.
        specifications: what each metric says of itself, by its name without the split.
    """

    scores: dict[str, float]
    table: dict[str, np.ndarray | list[np.ndarray]]
    embeddings: Tensor | None = None
    clusters: tuple[str, ...] = ()
    specifications: dict[str, MetricSpecification] = field(default_factory=dict)


class Task(Protocol):
    """Scores an encoder by the ground truth of the data."""

    def check(self, data: ProductData, split: str) -> None:
        """Raise ``LikewiseError`` where the data lack what ``split`` is scored by."""
        ...

    def validate(
        self, encoder: Encoder, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """Each metric on the validation split; NaN where the encoder diverged."""
        ...

    def test(
        self, encoder: Encoder, module: ProductModule, split: str, device: torch.device
    ) -> Result:
        """Each metric on ``split``, with what they were computed from."""
        ...
