"""Fashion-MNIST: 70,000 product pictures of Zalando in ten categories.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017. MIT licence.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.catalogue import ProductData, with_info
from likewise.data.images import image_dataset
from likewise.data.relevance import Groups
from likewise.data.splits import stratified_sample
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

GROUP_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
PARTS = {"train": "train", "test": "t10k"}


@dataclass(frozen=True)
class FashionMNIST:
    """The four IDX files (``*-ubyte.gz`` or unpacked) of Fashion-MNIST.

    Args:
        path: their folder; ``None`` looks in ``$LIKEWISE_DATA/fashion_mnist``,
            ``data/fashion_mnist`` and the folder of Debian's package, in that order.
        validation_size: number of products taken from the training files for validation.
        train_size: number of training products (a stratified draw); ``None`` takes all others.
        test_size: number of test products (a stratified draw); ``None`` takes all.
        split_seed: seed of these draws. It is not the seed of a run, so that all runs have the same
            splits.
    """

    path: str | None = None
    validation_size: int = 5000
    train_size: int | None = None
    test_size: int | None = None
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read the files; the labels of the test pictures are used for evaluation only."""
        folder = self._folder()
        digest = hashlib.sha256()
        images, groups = [], []
        for prefix in PARTS.values():
            images.append(_read_idx(folder, f"{prefix}-images-idx3-ubyte", 3, digest))
            groups.append(_read_idx(folder, f"{prefix}-labels-idx1-ubyte", 1, digest))
            if len(images[-1]) != len(groups[-1]):
                raise LikewiseError(
                    f"{folder} holds {len(images[-1])} {prefix} pictures but {len(groups[-1])} "
                    "labels; fetch the data set again"
                )
        all_groups = np.concatenate(groups).astype(np.int64)
        if all_groups.size and all_groups.max() >= len(GROUP_NAMES):
            raise LikewiseError(
                f"{folder} has the label {all_groups.max()}; labels run from 0 to 9"
            )
        pictures = np.concatenate(images)[:, None]
        catalogue = with_info(
            image_dataset(
                {
                    "product_id": [
                        f"{part}-{row}"
                        for part, rows in zip(PARTS, images, strict=True)
                        for row in range(len(rows))
                    ],
                },
                pictures,
            ),
            _info(),
        )
        splits = self._splits(all_groups, len(images[0]))
        relevance = (Groups.of(all_groups, GROUP_NAMES, splits),)
        return ProductData(catalogue, splits, digest.hexdigest()[:16], relevance)

    def _folder(self) -> Path:
        if self.path is not None:
            places = [Path(self.path)]
        else:
            places = [Path("data/fashion_mnist"), Path("/usr/share/datasets/fashion-mnist")]
            if root := os.environ.get("LIKEWISE_DATA"):
                places.insert(0, Path(root) / "fashion_mnist")
        for place in places:
            if any(place.glob("train-images-idx3-ubyte*")):
                return place
        raise LikewiseError(
            f"no Fashion-MNIST files in {' or '.join(str(place) for place in places)}; fetch them "
            "with scripts/fetch_fashion_mnist.sh or set data.path to their folder"
        )

    def _splits(self, groups: np.ndarray, train_rows: int) -> dict[str, np.ndarray]:
        rest = np.arange(train_rows)
        if not 0 < self.validation_size < train_rows:
            raise LikewiseError(
                f"data.validation_size={self.validation_size} must leave training products; "
                f"the training files hold {train_rows}"
            )
        validation = stratified_sample(groups[rest], self.validation_size, self.split_seed)
        train = np.setdiff1d(rest, validation)
        test = np.arange(train_rows, len(groups))
        return {
            "train": self._subset("train_size", self.train_size, train, groups),
            "validation": validation,
            "test": self._subset("test_size", self.test_size, test, groups),
        }

    def _subset(
        self, key: str, size: int | None, rows: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        if size is None:
            return rows
        if not 0 < size <= len(rows):
            raise LikewiseError(f"data.{key}={size} must lie between 1 and {len(rows)}")
        return rows[stratified_sample(groups[rows], size, self.split_seed)]


def _read_idx(folder: Path, name: str, dimensions: int, digest: hashlib._Hash) -> np.ndarray:
    """Read an IDX file of unsigned bytes (magic 0x0000080d, d big-endian sizes, then the bytes)."""
    path = next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)
    if path is None:
        raise LikewiseError(f"{folder} has no {name}.gz; fetch the data set again")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LikewiseError(f"{path} is damaged ({error}); fetch it again") from error
    header = 4 * (1 + dimensions)
    sizes = np.frombuffer(content[:header], dtype=">u4")
    if len(sizes) <= dimensions or sizes[0] != 0x800 + dimensions:
        raise LikewiseError(f"{path} is not an IDX file of bytes in {dimensions} dimensions")
    shape = tuple(int(size) for size in sizes[1:])
    if len(content) - header != int(np.prod(shape)):
        raise LikewiseError(
            f"{path} should hold {int(np.prod(shape))} bytes but holds {len(content) - header}; "
            "it is incomplete, so fetch it again"
        )
    digest.update(content)
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Pictures of Zalando's products in ten categories.",
        citation=(
            "Xiao, Rasul and Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking "
            "Machine Learning Algorithms, 2017"
        ),
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        license="MIT",
    )
