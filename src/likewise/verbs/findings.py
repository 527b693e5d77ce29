"""Printing of the findings on data before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


def say_findings(data: ProductData) -> None:
    """Print what was left out or repaired on reading, and leaks, which a score would hide."""
    from likewise.runs.folder import first_process

    if first_process():
        for finding in data.findings:
            print(f"data: {finding}", flush=True)
        for relevance in data.relevance:
            for name, counts in relevance.leak_counts():
                print(f"data: {name}: {counts}", flush=True)
