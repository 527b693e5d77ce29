"""What a run leaves of its test: the table of units, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from likewise.tasks.base import Result


def write_table(path: Path, table: Mapping[str, np.ndarray | list[np.ndarray]]) -> None:
    """A row a query or pair, see ``Result``."""
    pq.write_table(pa.table(dict(table)), path, compression="zstd")


def write_pictures(folder: Path, result: Result) -> dict[str, str]:
    """The task's figures as ``<title>.png`` in ``folder``; returns captions by title."""
    from likewise.figures.base import png_bytes

    drawn = result.draw()
    for title, one in drawn.items():
        (folder / f"{title}.png").write_bytes(png_bytes(one.figure))
    return {title: one.caption for title, one in drawn.items()}
