"""What is printed of the data before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


def say_findings(data: ProductData) -> None:
    """What reading the data left out or mended, which a score must not hide."""
    from likewise.runs.folder import first_process

    if first_process():
        for finding in data.findings:
            print(f"data: {finding}", flush=True)
