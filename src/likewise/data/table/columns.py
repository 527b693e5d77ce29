"""Mapping of the columns of a table to the columns of the catalogue."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from likewise.data.table.base import named
from likewise.errors import LikewiseError

TEXTS = ("title", "description", "brand", "category")
CONTENTS = (*TEXTS, "price", "attributes", "image", "reviews")
ROLES = ("product_id", *CONTENTS, "shop", "group", "split")
NAMED = ", ".join(ROLES)


def resolve(
    wanted: Mapping[str, Any], found: Sequence[str], where: str, known: Sequence[str] = ROLES
) -> dict[str, str | list[str]]:
    """The column for each role; a column named like a role needs no mention.

    Args:
        wanted: column by role; ``None`` for one that is not stated. ``attributes`` may be several.
        found: the columns of the table.
        where: the name of the table, for error messages.
        known: all roles.

    Raises:
        LikewiseError: for an unknown role and for a column that the table lacks.
    """
    roles: dict[str, str | list[str]] = {role: role for role in known if role in found}
    for role, column in wanted.items():
        if role not in known:
            raise LikewiseError(
                f"data.columns.{role} is unknown{_meant(role, known)}; it can be {', '.join(known)}"
            )
        if column is None:
            continue
        several = not isinstance(column, str)
        if several and role != "attributes":
            raise LikewiseError(f"data.columns.{role} must be the name of one column")
        if several and not (
            isinstance(column, Sequence) and all(isinstance(name, str) for name in column)
        ):
            raise LikewiseError(f"data.columns.{role}={column} must be a list of column names")
        for name in column if several else [column]:
            if name not in found:
                raise LikewiseError(
                    f"{where} has no column {name} for data.columns.{role}"
                    f"{_meant(name, found)}; it has {named(found)}"
                )
        roles[role] = list(column) if several else column
    return roles


def _meant(name: str, known: Sequence[str]) -> str:
    lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    return f", did you mean {lower[close[0]]}?" if close else ""
