"""The description of a metric."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricSpecification:
    """The label, direction and range of a metric.

    Attributes:
        label: the name of the metric in tables.
        higher_is_better: whether larger values are better.
        low, high: the ends of its range; infinite if it has none.
    """

    label: str
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
