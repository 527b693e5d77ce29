"""The contents by which the products of a catalogue are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.duplicates import Contents
from likewise.data.image_hash import PictureDuplicates
from likewise.data.images import has_pixels, image_array, image_parts
from likewise.data.text_hash import TextDuplicates, normalised

if TYPE_CHECKING:
    from datasets import Dataset

TEXT_COLUMNS = ("title", "description")
# ``likewise.data.leaks.find_leaks`` defines near-duplicates.
HASH_DISTANCE, CORRELATION, JACCARD = 4, 0.995, 0.8


def contents_of(
    catalogue: Dataset,
    rows: np.ndarray,
    hash_distance: int = HASH_DISTANCE,
    correlation: float = CORRELATION,
    jaccard: float = JACCARD,
) -> dict[str, Contents]:
    """Return the pictures (``image``) and texts (``text``) of some products, where there are any.

    Args:
        rows: int64 [m], the products to compare.
        hash_distance, correlation: see ``PictureDuplicates``.
        jaccard: see ``TextDuplicates``.
    """
    found: dict[str, Contents] = {}
    if has_pixels(catalogue) and len(rows):
        found["image"] = PictureDuplicates(image_array(catalogue), rows, hash_distance, correlation)
    texts = texts_of(catalogue)
    if texts is not None and len(rows):
        found["text"] = TextDuplicates(texts, rows, jaccard)
    return found


def texts_of(catalogue: Dataset) -> list[str] | None:
    """Joined and normalised title and description of each product; ``None`` if it has neither."""
    names = [name for name in TEXT_COLUMNS if name in catalogue.column_names]
    if not names:
        return None
    table = catalogue.select_columns(names).with_format("arrow")[:]
    parts = zip(*(table[name].to_pylist() for name in names), strict=True)
    return [normalised(" ".join(part or "" for part in texts)) for texts in parts]


def content_numbers(catalogue: Dataset) -> np.ndarray:
    """int64 [n]: equal for products that differ in nothing but ``product_id``, ``shop`` and case.

    The same offer often has an id in the left and another in the right table of a benchmark.
    """
    columns = [name for name in catalogue.column_names if name not in ("product_id", "shop")]
    values: list[Iterable[Any]] = []
    if has_pixels(catalogue):
        columns.remove("image")
        pictures = (picture for part in image_parts(catalogue) for picture in part)
        values.append(hashlib.sha256(picture).digest() for picture in pictures)
    table = catalogue.select_columns(columns).with_format("arrow")[:] if columns else {}
    values += [table[name].to_pylist() for name in columns]
    rows = zip(*values, strict=True)
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(repr(row).lower(), len(numbers)) for row in rows], np.int64)
