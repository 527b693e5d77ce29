"""Likewise: which representation finds alike products best, at this cost?

>>> import likewise
>>> model = likewise.load("runs/train/bag-seed0-…")  # doctest: +SKIP
>>> model.match(["red lamp"], ["lamp, red"])  # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Model", "load"]


def __getattr__(name: str) -> Any:
    """``load`` and ``Model``, imported when they are used, as they need torch."""
    if name in __all__:
        from likewise import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
