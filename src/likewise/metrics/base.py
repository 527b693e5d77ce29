"""What all metrics share: how they describe themselves, and their mean over units."""

from __future__ import annotations

import numpy as np

from likewise.metrics.specification import MetricSpecification


class DescribedMetric:
    """A metric that says how its values are read.

    Attributes:
        label, higher_is_better, range: see ``MetricSpecification``.
    """

    label: str = ""
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)

    @property
    def specification(self) -> MetricSpecification:
        """What the metric says of itself."""
        return MetricSpecification(
            self.label or type(self).__name__, self.higher_is_better, *self.range
        )


def finite_mean(values: np.ndarray) -> float:
    """The mean of the finite values of float [n]; NaN where there are none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
