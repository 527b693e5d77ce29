"""Grocery Store: 5,421 photos of 81 products taken in grocery shops, and the shop's pictures.

Klasson, Zhang and Kjellström, "A Hierarchical Grocery Store Image Dataset with Visual and Semantic
Labels", WACV 2019, https://github.com/marcusklasson/GroceryStoreDataset. MIT licence.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import ProductData, with_info
from likewise.data.images import image_dataset
from likewise.data.letterbox import decode_all
from likewise.data.relevance import Groups
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

CLASSES = "classes.csv"
LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
LABELS = {"fine_label": pa.int64(), "coarse_label": pa.int64()}
PHOTOS = {"image": pa.binary(), "image_id": pa.string(), "split": pa.string()} | LABELS
NAMES = {"name": pa.string(), "coarse_name": pa.string(), "description": pa.string()}
PRODUCTS = {"image": pa.binary()} | NAMES | LABELS


class Product(NamedTuple):
    """One of the shop's products, with its own picture."""

    fine: int
    coarse: int
    name: str
    coarse_name: str
    description: str
    picture: bytes | Path


class Photo(NamedTuple):
    """A photo taken in a shop."""

    id: str
    fine: int
    coarse: int
    split: str
    picture: bytes | Path


@dataclass(frozen=True)
class GroceryStore:
    """``photos.parquet`` and ``products.parquet``, or the published repository.

    The catalogue holds the photos and after them the shop's products, which are in a split of
    their own, ``products``, and are the gallery: with ``protocol=gallery`` a photo searches these.
    Only the products have a title, a category and a description, since a photo has none where it
    is taken.

    Args:
        path: the folder of the Parquet files, or the repository's, or its ``dataset``; ``None``
            looks in ``$LIKEWISE_DATA/grocery_store`` and ``data/grocery_store``.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        level: whether products of one ``fine`` (81) or of one ``coarse`` (43) class are a group.
        text_on_photos: also give photos the text of their product, which reveals their group.
        train_on_products: also put the shop's products in the training split, which otherwise holds
            photos only, so that nothing can be learned from the texts. The products, with their
            names, are given; what is asked is which of them an unseen photo shows.
        product_pictures: without them, the products have their texts only (a picture of zeros, as
            where a modality is missing), for an encoder that reads both.
    """

    path: str | None = None
    image_size: int = 64
    level: Literal["fine", "coarse"] = "fine"
    text_on_photos: bool = False
    train_on_products: bool = False
    product_pictures: bool = True

    def load(self) -> ProductData:
        """Read and decode all pictures; the splits are as published."""
        if self.level not in ("fine", "coarse"):
            raise LikewiseError(f"data.level={self.level} must be fine or coarse")
        parquet, lists = "photos.parquet", f"dataset/{CLASSES}"
        folder = find_folder("grocery_store", self.path, [parquet, lists, CLASSES])
        if (folder / parquet).is_file():
            photos, products, files = _read_parquet(folder)
        else:
            photos, products, files = _read_lists(
                folder if (folder / CLASSES).is_file() else folder / "dataset"
            )
        _check(photos, products, folder)
        rows: list[Photo | Product] = [*photos, *products]
        by_label = {product.fine: product for product in products}
        told = [
            by_label[row.fine] if self.text_on_photos or isinstance(row, Product) else None
            for row in rows
        ]
        ids = [photo.id for photo in photos] + [f"product-{product.fine}" for product in products]
        pictures = decode_all([row.picture for row in rows], ids, self.image_size)
        if not self.product_pictures:
            pictures[len(photos) :] = 0
        catalogue = with_info(
            image_dataset(
                {
                    "product_id": ids,
                    "title": [product and product.name for product in told],
                    "category": [product and product.coarse_name for product in told],
                    "description": [product and product.description for product in told],
                },
                pictures,
            ),
            _info(),
        )
        names = {
            getattr(product, self.level): (
                product.name if self.level == "fine" else product.coarse_name
            )
            for product in products
        }
        labels = np.array([getattr(row, self.level) for row in rows])
        parts = np.array([row.split if isinstance(row, Photo) else "products" for row in rows])
        splits = {name: np.flatnonzero(parts == name) for name in (*LISTS, "products")}
        if self.train_on_products:
            splits["train"] = np.concatenate([splits["train"], splits["products"]])
        groups = Groups.of(
            np.searchsorted(sorted(names), labels),
            [names[label] for label in sorted(names)],
            splits,
            gallery=splits["products"],
        )
        digest = fingerprint(
            files,
            image_size=self.image_size,
            level=self.level,
            text_on_photos=self.text_on_photos,
            train_on_products=self.train_on_products,
            product_pictures=self.product_pictures,
        )
        return ProductData(catalogue, splits, digest, (groups,))


def _read_parquet(folder: Path) -> tuple[list[Photo], list[Product], list[Path]]:
    files = [folder / "photos.parquet", folder / "products.parquet"]
    photos = read_table(files[0], PHOTOS)
    products = read_table(files[1], PRODUCTS)

    def rows(table: pa.Table, *names: str) -> zip:
        return zip(*(table[name].to_pylist() for name in names), strict=True)

    return (
        [
            Photo(*row)
            for row in rows(photos, "image_id", "fine_label", "coarse_label", "split", "image")
        ],
        [
            Product(*row)
            for row in rows(
                products,
                "fine_label",
                "coarse_label",
                "name",
                "coarse_name",
                "description",
                "image",
            )
        ],
        files,
    )


def _read_lists(folder: Path) -> tuple[list[Photo], list[Product], list[Path]]:
    """The repository: lists of photos, and ``classes.csv`` with the products."""
    photos, products, files = [], [], [folder / CLASSES]

    def present(name: str) -> Path:
        path = folder / name.lstrip("/")
        # classes.csv leaves the suffix of one description out.
        for found in (path, path.with_name(f"{path.name}.txt")):
            if found.is_file():
                files.append(found)
                return found
        raise LikewiseError(f"{path} is missing; fetch the data set again")

    for name, fine, coarse_name, coarse, picture, text in _lines(folder / CLASSES, 6, (1, 3))[1:]:
        description = present(text).read_text(encoding="utf-8", errors="replace")
        words = (name.replace("-", " "), coarse_name.replace("-", " "))
        products.append(
            Product(int(fine), int(coarse), *words, " ".join(description.split()), present(picture))
        )
    for split, list_name in LISTS.items():
        for name, fine, coarse in _lines(folder / list_name, 3, (1, 2)):
            photos.append(
                Photo(name.rsplit(".", 1)[0], int(fine), int(coarse), split, present(name))
            )
    return photos, products, files


def _lines(path: Path, width: int, numbers: tuple[int, int]) -> list[list[str]]:
    """The fields of each line, ``width`` of them, with labels at the places ``numbers``."""
    if not path.is_file():
        raise LikewiseError(f"{path} is missing; fetch the data set again")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[field.strip() for field in row] for row in csv.reader(file) if row]
    for number, row in enumerate(rows, start=1):
        header = path.name == CLASSES and number == 1
        if len(row) != width or not (header or all(row[place].isdigit() for place in numbers)):
            raise LikewiseError(f"line {number} of {path} cannot be read; fetch the data set again")
    return rows


def _check(photos: Sequence[Photo], products: Sequence[Product], folder: Path) -> None:
    if strange := {photo.fine for photo in photos} - {product.fine for product in products}:
        raise LikewiseError(
            f"{folder} has photos of product {min(strange)} but no such product; fetch it again"
        )
    if strange_split := {photo.split for photo in photos} - set(LISTS):
        raise LikewiseError(
            f"{folder} has the split {min(strange_split)}; it can be train, validation or test"
        )


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Photographs of groceries; the products with pictures and texts.",
        citation=(
            "Klasson, Zhang and Kjellström, A Hierarchical Grocery Store Image Dataset with "
            "Visual and Semantic Labels, WACV 2019"
        ),
        homepage="https://github.com/marcusklasson/GroceryStoreDataset",
        license="MIT",
    )
