"""What a metric says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MetricSpecification:
    """How a metric's values are read.

    Attributes:
        label: what tables call it.
        higher_is_better: its direction.
        low, high: the ends of its range; infinite where there is none.
    """

    label: str
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
