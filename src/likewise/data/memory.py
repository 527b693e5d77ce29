"""Checks that the data of an option fit into memory, before anything is read."""

from __future__ import annotations

import os

from likewise.errors import LikewiseError

# Pixels a side; encoders of pictures take fewer, and a picture of this size holds 3 MiB.
LARGEST_IMAGE = 1024


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
