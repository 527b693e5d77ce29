"""Products that a finished run found, with their titles and scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Hit:
    """A product that was found.

    Attributes:
        product_id: of the catalogue.
        title: its title; empty where it has none.
        score: larger is better.
    """

    product_id: str
    title: str
    score: float


def hits(catalogue: Dataset, rows: Sequence[int], scores: Sequence[float]) -> list[Hit]:
    """The products of some rows of the catalogue, with their scores."""
    some = catalogue.select(rows)
    ids = some["product_id"][:]
    titles = some["title"][:] if "title" in some.column_names else [None] * len(ids)
    found = zip(ids, titles, scores, strict=True)
    return [Hit(one, title or "", score) for one, title, score in found]


def as_text(found: Sequence[Hit], as_json: bool) -> str:
    """A table with one line per product, or JSON."""
    if as_json:
        return json.dumps([vars(hit) for hit in found], indent=2)
    return "\n".join(
        f"{place:3d}  {hit.score:8.4f}  {hit.product_id}  {hit.title}".rstrip()
        for place, hit in enumerate(found, 1)
    )
