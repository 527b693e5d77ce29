"""Checks that the data of an option fit into memory, before anything is read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.modalities.base import Reader

# Pixels a side; encoders of pictures take fewer, and a picture of this size holds 3 MiB.
LARGEST_IMAGE = 1024
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
# Products that are read to estimate the memory of all.
SAMPLE = 64


def check_image_size(size: int, least: int = 1) -> None:
    """Refuse a side of pictures, in pixels, that is too small or too large."""
    if size < least:
        raise LikewiseError(
            f"data.image_size={size} must be at least {least} pixel{'s' if least > 1 else ''}"
        )
    if size > LARGEST_IMAGE:
        raise LikewiseError(
            f"data.image_size={size} must be at most {LARGEST_IMAGE} pixels; encoders of pictures "
            "usually read 32 to 256"
        )


def check_memory(needed: float, what: str, advice: str) -> None:
    """Raise an error if something needs more memory than the machine has.

    Args:
        needed: bytes.
        what: what needs them, the start of the error message.
        advice: what to do, the end of the error message.
    """
    held = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > held:
        raise LikewiseError(
            f"{what} would need about {needed / 1e9:,.0f} GB of memory, and this machine has "
            f"{held / 1e9:,.0f} GB; {advice}"
        )


def parse_budget(
    value: Any, key: str = "memory_budget", without: str = "hold all products in memory"
) -> int | None:
    """Return the bytes of a size such as ``1GB`` or ``500 MB``; ``None`` for ``None``.

    Args:
        value: of the option ``key``.
        without: what ``null`` does, for the error message.
    """
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B|)", str(value).strip().upper())
    if found is None or isinstance(value, bool):
        raise LikewiseError(
            f"{key}={value} must be a size such as 500MB or 2GB, or null to {without}"
        )
    return int(float(found[1]) * UNITS[found[2]])


def bytes_per_product(catalogue: Dataset, readers: Mapping[str, Reader]) -> float:
    """Estimated bytes of the tensors of one product, from a sample of the catalogue.

    It is exact where all rows have one length, as those of pictures do.
    """
    count = len(catalogue)
    rows = np.unique(np.linspace(0, max(0, count - 1), SAMPLE).astype(np.int64))[:count]
    tensors = [reader(catalogue, rows) for reader in readers.values()]
    return sum(values.nbytes for values in tensors) / max(1, len(rows))
