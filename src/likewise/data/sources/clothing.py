"""Clothing (small): 3,781 photos of clothes in ten classes, sent in by volunteers.

Grigorev, "Clothing dataset", 2020, https://github.com/alexeygrigorev/clothing-dataset-small. CC0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import SPLITS, ProductData, with_info
from likewise.data.images import image_dataset
from likewise.data.letterbox import decode_all
from likewise.data.relevance import Groups
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

TABLE = "photos.parquet"
COLUMNS = {
    "image": pa.binary(),
    "label": pa.string(),
    "split": pa.string(),
    "image_id": pa.string(),
    "sender_id": pa.int64(),
}


@dataclass(frozen=True)
class Clothing:
    """``photos.parquet``, or the repository's folders ``train/<class>/*.jpg``.

    The published test split shares no sender with the others, but 332 of the 341 validation photos
    share their sender with a training photo, so validation scores are too optimistic.

    Args:
        path: the folder; ``None`` looks for ``photos.parquet`` in ``$LIKEWISE_DATA/clothing`` and
            ``data/clothing``.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        sender_disjoint_validation: draw new training and validation splits that share no sender;
            only ``photos.parquet`` has the senders.
        split_seed: seed of that draw.
    """

    path: str | None = None
    image_size: int = 64
    sender_disjoint_validation: bool = False
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read and decode the photos; groups are the classes, in the order of the alphabet."""
        if self.path is not None and (Path(self.path) / "train").is_dir():
            folder = Path(self.path)
        else:
            folder = find_folder("clothing", self.path, [TABLE])
        senders = None
        if (folder / TABLE).is_file():
            table = read_table(folder / TABLE, COLUMNS)
            files = [folder / TABLE]
            pictures: list[bytes] | list[Path] = table["image"].to_pylist()
            ids, labels, parts = (
                table[name].to_pylist() for name in ("image_id", "label", "split")
            )
            senders = table["sender_id"].to_numpy()
        else:
            files = pictures = _photos(folder)
            ids, labels, parts = (
                list(part)
                for part in zip(
                    *((file.stem, file.parent.name, file.parts[-3]) for file in files), strict=True
                )
            )
        group_names, groups = np.unique(np.array(labels, dtype=str), return_inverse=True)
        splits = {name: np.flatnonzero(np.array(parts) == name) for name in SPLITS}
        if self.sender_disjoint_validation:
            splits |= self._without_shared_senders(splits, senders)
        catalogue = with_info(
            image_dataset({"product_id": ids}, decode_all(pictures, ids, self.image_size)),
            _info(),
        )
        digest = fingerprint(
            files,
            names=sorted(ids),
            image_size=self.image_size,
            sender_disjoint=self.sender_disjoint_validation and self.split_seed,
        )
        relevance = (Groups.of(groups, group_names.tolist(), splits),)
        return ProductData(catalogue, splits, digest, relevance)

    def _without_shared_senders(
        self, splits: dict[str, np.ndarray], senders: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """Training and validation of whole senders, about as large as before."""
        if senders is None:
            raise LikewiseError(
                "data.sender_disjoint_validation=true needs photos.parquet with its sender_id; "
                "the folders of pictures do not say who sent them"
            )
        rows = np.concatenate([splits["train"], splits["validation"]])
        order = np.random.default_rng(self.split_seed).permutation(np.unique(senders[rows]))
        held: list[np.ndarray] = []
        wanted = len(splits["validation"])
        for sender in order:
            own = rows[senders[rows] == sender]
            # A sender with more photos than are wanted still would make the split lopsided.
            if sum(map(len, held)) + len(own) <= wanted:
                held.append(own)
        validation = np.sort(np.concatenate(held)) if held else rows[:0]
        return {"train": np.setdiff1d(rows, validation), "validation": validation}


def _photos(folder: Path) -> list[Path]:
    found = [file for split in SPLITS for file in sorted(folder.glob(f"{split}/*/*.jpg"))]
    for split in SPLITS:
        if not any(file.parts[-3] == split for file in found):
            raise LikewiseError(f"{folder} has no {split}/<class>/*.jpg; fetch the data set again")
    return found


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Photographs of clothes in ten classes, sent in by volunteers.",
        citation="Grigorev, Clothing dataset, 2020",
        homepage="https://github.com/alexeygrigorev/clothing-dataset-small",
        license="CC0",
    )
