"""The library implicit, which is an optional extra."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from likewise.errors import LikewiseError


def implicit(module: str) -> ModuleType:
    """A module of the library implicit, such as ``als``."""
    try:
        return import_module(f"implicit.{module}")
    except ImportError as error:
        raise LikewiseError(
            f"recommender={module} needs the library implicit; install it by "
            "pip install 'likewise[recommend]'"
        ) from error
