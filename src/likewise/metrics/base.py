"""The base class of metrics, and the mean over units."""

from __future__ import annotations

import numpy as np

from likewise.metrics.specification import MetricSpecification


class DescribedMetric:
    """A metric with a label, a direction and a range.

    Attributes:
        label, higher_is_better, range: see ``MetricSpecification``.
    """

    label: str = ""
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)

    @property
    def specification(self) -> MetricSpecification:
        """The label, direction and range of the metric."""
        return MetricSpecification(
            self.label or type(self).__name__, self.higher_is_better, *self.range
        )


def finite_mean(values: np.ndarray) -> float:
    """Return the mean of the finite values of float [n]; NaN if there are none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")
