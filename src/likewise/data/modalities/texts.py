"""The text of a product, and what all its readers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.base import Reader
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("title", "brand", "category", "description", "attributes", "price")


class TextReader(Reader):
    """The columns of a product as one text, as int32 [n, length] token ids from 1.

    Ids stand at the beginning of a row and 0 fills it up; a product without text has zeros only.
    A subclass writes ``encode`` and ``vocabulary_size``.

    Args:
        columns: in their order; those the catalogue lacks are left out. The price is a column,
            and ``attributes`` are names and values.
        markers: write ``COL name VAL`` before each value, so that an encoder can tell the columns
            apart (Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021).
    """

    def __init__(self, columns: Sequence[str] = COLUMNS, markers: bool = False) -> None:
        if strange := [column for column in columns if column not in COLUMNS]:
            raise LikewiseError(
                f"text.columns has {strange[0]}, which is no text; it can be {', '.join(COLUMNS)}"
            )
        self.columns, self.markers = tuple(columns), markers

    @property
    def vocabulary_size(self) -> int:
        """Ids are below it."""
        raise NotImplementedError

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """Ids of texts, int32 [n, length]."""
        raise NotImplementedError

    def texts(self, catalogue: Dataset, rows: np.ndarray) -> list[str]:
        """One text a product; empty where it has none."""
        names = [name for name in self.columns if name in catalogue.column_names]
        if not names:
            raise LikewiseError(
                f"the catalogue has no {', '.join(self.columns)} to read a text from (it has "
                f"{', '.join(catalogue.column_names)}); choose an encoder that reads something "
                "else, such as encoder=cnn for pictures"
            )
        table = catalogue.select_columns(names).select(rows)[:]
        found = []
        for values in zip(*(table[name] for name in names), strict=True):
            parts = []
            for name, value in zip(names, values, strict=True):
                for label, text in _parts(name, value):
                    parts.append(f"COL {label} VAL {text}" if self.markers else text)
            found.append(" ".join(parts))
        return found

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        return self.encode(self.texts(catalogue, rows))

    def sizes(self) -> dict[str, Any]:
        """See ``Reader``."""
        return {"vocabulary_size": self.vocabulary_size}


def _parts(name: str, value: Any) -> list[tuple[str, str]]:
    """What a column says of a product, by label."""
    if name == "attributes":
        named = [(item["name"], item["value"]) for item in value or ()]
        return [(label or "", text.strip()) for label, text in named if text and text.strip()]
    if name == "price":
        return [] if value is None else [(name, f"{value:g}")]
    return [(name, value.strip())] if value and value.strip() else []


def readable(text: str | None, most: int) -> str:
    """At most ``most`` characters; a missing text is empty, half of a surrogate pair is ``?``."""
    return (text or "")[:most].encode("utf-8", "replace").decode("utf-8")


def fill_up(sequences: Sequence[Sequence[int]]) -> Tensor:
    """Ids from 0, of any lengths, to int32 [n, longest] from 1 with 0 behind."""
    lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
    filled = np.zeros((len(lengths), lengths.max(initial=0)), dtype=np.int32)
    flat = [np.asarray(ids, dtype=np.int32) for ids in sequences]
    if len(flat):
        filled[np.arange(filled.shape[1]) < lengths[:, None]] = np.concatenate(flat) + 1
    return torch.from_numpy(filled)
