"""The base class of readers of texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from likewise.data.modalities.base import Reader, TensorKind
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("title", "brand", "category", "description", "attributes", "price")


class TextReader(Reader):
    """Reads columns of a product as one text, as token ids from 1, int32 [n, length].

    Rows are padded with 0 at the end; a product without text has a row of zeros.
    A subclass defines ``encode`` and ``vocabulary_size``.

    Args:
        columns: the columns to read, in this order; columns that the catalogue lacks are left out.
            The price can be one of them, and of ``attributes`` the values are read.
        markers: write ``COL name VAL`` before each value, so that an encoder can tell the columns
            apart (Li et al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021).
    """

    tensor_kind: ClassVar[TensorKind] = "tokens"

    def __init__(self, columns: Sequence[str] = COLUMNS, markers: bool = False) -> None:
        if strange := [column for column in columns if column not in COLUMNS]:
            raise LikewiseError(
                f"text.columns has {strange[0]}, which cannot be read as text; the choices "
                f"are {', '.join(COLUMNS)}"
            )
        self.columns, self.markers = tuple(columns), markers

    @property
    @abstractmethod
    def vocabulary_size(self) -> int:
        """The number of token ids, including 0 for padding; all ids are smaller."""

    @abstractmethod
    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """Return the token ids of texts, int32 [n, length]."""

    def texts(self, catalogue: Dataset, rows: np.ndarray) -> list[str]:
        """Return one text per product; it is empty where the product has none."""
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
                for _, label, text in self.parts(name, value):
                    parts.append(f"COL {label} VAL {text}" if self.markers else text)
            found.append(" ".join(parts))
        return found

    @staticmethod
    def parts(name: str, value: Any) -> list[tuple[int, str, str]]:
        """Return position, label and text of each non-empty value in a column of a product."""
        if name == "attributes":
            named = [(place, item["name"], item["value"]) for place, item in enumerate(value or ())]
            return [
                (at, label or "", text.strip()) for at, label, text in named if (text or "").strip()
            ]
        if name == "price":
            return [] if value is None else [(0, name, f"{value:g}")]
        return [(0, name, value.strip())] if value and value.strip() else []

    def words_of_tokens(self, words: Sequence[str]) -> list[list[int]]:
        """Return the positions in ``words`` of the words that each token of their text comes from.

        The text is the words with a space between them. This default serves readers whose tokens
        lie within a word: a token belongs to every word that has its id when it is read alone. The
        list of a token is empty if it belongs to none, such as an n-gram of several words.
        """
        alone = [set(ids.tolist()) - {0} for ids in map(self._ids_of, words)]
        return [
            [place for place, ids in enumerate(alone) if token in ids]
            for token in self._ids_of(" ".join(words)).tolist()
        ]

    def _ids_of(self, text: str) -> Tensor:
        """The ids of one text, [length], without padding."""
        encoded = self.encode([text])[0]
        ids = encoded if encoded.ndim == 1 else encoded[0]
        return ids[ids != 0].long()

    def __call__(self, catalogue: Dataset, rows: np.ndarray) -> Tensor:
        """See ``Reader``."""
        return self.encode(self.texts(catalogue, rows))

    def sizes(self) -> dict[str, Any]:
        """See ``Reader``."""
        return {"vocabulary_size": self.vocabulary_size}


def readable(text: str | None, max_characters: int) -> str:
    """The first characters of a text; missing texts are empty, lone surrogates become ``?``."""
    return (text or "")[:max_characters].encode("utf-8", "replace").decode("utf-8")


def pad_ids(sequences: Sequence[Sequence[int]]) -> Tensor:
    """Turn sequences of ids from 0 into int32 [n, longest], ids from 1, padded with 0."""
    lengths = np.array([len(ids) for ids in sequences], dtype=np.int64)
    filled = np.zeros((len(lengths), lengths.max(initial=0)), dtype=np.int32)
    flat = [np.asarray(ids, dtype=np.int32) for ids in sequences]
    if len(flat):
        filled[np.arange(filled.shape[1]) < lengths[:, None]] = np.concatenate(flat) + 1
    return torch.from_numpy(filled)
