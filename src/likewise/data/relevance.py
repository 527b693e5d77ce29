"""The ground truth of a catalogue beside groups: pairs, graded judgements, behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Pairs:
    """Pairs of products, each a match or not.

    Attributes:
        left, right: int64 [m], rows of the catalogue.
        labels: int64 [m], 1 for a match and 0 for none.
        splits: rows (int64) of the pairs of ``train``, ``validation`` and ``test``.
    """

    left: np.ndarray
    right: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]


@dataclass(frozen=True)
class Judgements:
    """How well a product answers a query, as graded by people.

    Attributes:
        queries: their texts.
        query: int64 [m], places in ``queries``.
        product: int64 [m], rows of the catalogue.
        grades: float64 [m], larger is better.
        splits: rows (int64) of the judgements of each split; splits share no query.
    """

    queries: list[str]
    query: np.ndarray
    product: np.ndarray
    grades: np.ndarray
    splits: dict[str, np.ndarray]


@dataclass(frozen=True)
class Behaviour:
    """What people did with products, an event a row.

    Attributes:
        events: columns ``user`` (int64 or string) and ``product`` (int64, row of the catalogue) in
            the order of time within a user, and whatever else the source knows: ``time``,
            ``rating``, ``click``, ``position``, ``propensity`` …
        splits: rows (int64) of the events of each split.
        trust: columns ``user`` and ``trusts``, where people say whom they trust.
    """

    events: Dataset
    splits: dict[str, np.ndarray]
    trust: Dataset | None = None
