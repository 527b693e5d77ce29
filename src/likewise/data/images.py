"""Conversion of pictures between NumPy arrays and Arrow columns, without Python objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset


def image_dataset(columns: dict[str, list], images: np.ndarray) -> Dataset:
    """Make a ``datasets.Dataset`` of ``columns`` and an ``image`` column, uint8 [n, c, h, w]."""
    from datasets import Dataset
    from datasets.features.features import Array3DExtensionType

    kind = Array3DExtensionType(images.shape[1:], "uint8")
    # Arrow's lists count in 32 bits, so that no piece may hold more values than these can.
    rows = max(1, (2**31 - 1) // max(1, images[0].size if len(images) else 1))
    pieces = []
    for start in range(0, max(1, len(images)), rows):
        part = images[start : start + rows]
        storage: pa.Array = pa.array(np.ascontiguousarray(part).reshape(-1))
        for size in images.shape[:0:-1]:
            offsets = pa.array(np.arange(0, len(storage) + 1, size, dtype=np.int32))
            storage = pa.ListArray.from_arrays(offsets, storage)
        pieces.append(pa.ExtensionArray.from_storage(kind, storage))
    image = pa.chunked_array(pieces)
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return Dataset(table.append_column(pa.field("image", kind), image))


def has_pixels(catalogue: Dataset) -> bool:
    """Whether the pictures are decoded and of one size; others are files or their bytes."""
    return hasattr(catalogue.features.get("image"), "shape")


def image_shape(catalogue: Dataset) -> tuple[int, int, int]:
    """(channels, height, width) of same-sized pictures; refuses a catalogue without these."""
    if "image" not in catalogue.column_names:
        raise LikewiseError(
            f"the catalogue has no pictures (it has {', '.join(catalogue.column_names)}); "
            "choose an encoder that reads something else, such as encoder=bag for texts"
        )
    if not has_pixels(catalogue):
        raise LikewiseError("the pictures are not of one size yet; set data.image_size")
    return catalogue.features["image"].shape


def image_array(catalogue: Dataset) -> np.ndarray:
    """The ``image`` column of same-sized pictures as uint8 [n, c, h, w]."""
    shape = image_shape(catalogue)
    pieces = catalogue.with_format("arrow")[:]["image"].chunks
    flat = [np.asarray(p.storage.flatten().flatten().flatten()) for p in pieces]
    return np.concatenate(flat).reshape(-1, *shape)


def image_parts(catalogue: Dataset, size: int = 256) -> Iterator[np.ndarray]:
    """The same, ``size`` pictures at a time."""
    for start in range(0, len(catalogue), size):
        yield image_array(catalogue.select(range(start, min(start + size, len(catalogue)))))
