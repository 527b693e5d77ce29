"""The columns of a comparison's tables: the primary metric, costs, and further metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from likewise.evidence.results import Estimate, MethodSummary, specification


@dataclass(frozen=True)
class Column:
    """A column of a table: its key, its name, its format and its direction.

    ``counted`` marks a count, for which a standard deviation of zero is not shown.
    """

    key: str
    label: str
    decimals: int = 4
    divide_by: float = 1.0
    higher_is_better: bool = False
    is_metric: bool = False
    counted: bool = False

    def of(self, summary: MethodSummary) -> Estimate | None:
        """Return the value of a method in the unit of the column."""
        found = (summary.metrics if self.is_metric else summary.cost).get(self.key)
        if found is None:
            return None
        spread = None if found.spread is None else found.spread / self.divide_by
        return Estimate(found.mean / self.divide_by, spread)

    def number(self, value: float) -> str:
        """Format one number."""
        return f"{value:,.{self.decimals}f}" if math.isfinite(value) else "–"


COSTS = (
    Column("parameters", "parameters", 0, counted=True),
    Column("flops_per_product", "MFLOPs/product", 2, divide_by=1e6, counted=True),
    Column("train_seconds", "train s", 1),
    Column("update_seconds", "s per update", 2),
    Column("train_products_per_second", "train products/s", 0, higher_is_better=True),
    Column("embed_products_per_second", "embed products/s", 0, higher_is_better=True),
    Column("peak_memory_mb", "peak memory MB", 0),
    Column("peak_device_memory_mb", "peak GPU memory MB", 0),
)


def main_columns(summaries: Sequence[MethodSummary], primary: str) -> list[Column]:
    """Return the primary metric and the costs, without empty columns.

    If the runs have it, the primary metric of parts of the test follows, such as that without
    leaked pairs.
    """
    parts = dict.fromkeys(
        key
        for summary in summaries
        for key in summary.metrics
        if key.startswith("test_") and key.endswith(f"/{primary}")
    )
    keys = [f"test/{primary}", *parts]
    # GPU memory is zero in all rows of a study that ran without a GPU.
    costs = [
        column
        for column in COSTS
        if any((value := column.of(summary)) and value.mean for summary in summaries)
    ]
    return [*(_metric(summaries, key) for key in keys), *costs]


def further_columns(summaries: Sequence[MethodSummary], primary: str) -> list[Column]:
    """Return the other test metrics, in the order of the runs."""
    found = [key for summary in summaries for key in summary.metrics if key.startswith("test/")]
    recorded = {f"test/{name}" for summary in summaries for name in summary.specifications}
    # What was not measured on the test products but chosen before, such as a threshold, has no
    # specification; runs that recorded none show all they have.
    shown = dict.fromkeys(key for key in found if key in recorded or not recorded)
    return [_metric(summaries, key) for key in shown if key != f"test/{primary}"]


def _metric(summaries: Sequence[MethodSummary], key: str) -> Column:
    split, _, name = key.partition("/")
    said = specification(summaries, name)
    # A part of the test: ``test_without_leaks``, ``test_few`` …
    part = split.removeprefix("test").replace("_", " ")
    label = said.label + part
    return Column(key, label, higher_is_better=said.higher_is_better, is_metric=True)
