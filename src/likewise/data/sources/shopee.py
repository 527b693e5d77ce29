"""Shopee product matching: 34,250 offers of 11,014 products, with a picture and a title.

Shopee, "Price Match Guarantee", Kaggle competition, 2021; its rules govern the use of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from likewise.data.catalogue import ProductData, with_info
from likewise.data.sources.files import find_folder
from likewise.data.sources.table import TableSource

if TYPE_CHECKING:
    from datasets import DatasetInfo

COLUMNS = {
    "product_id": "posting_id",
    "title": "title",
    "image": "image",
    "group": "label_group",
}


@dataclass(frozen=True)
class Shopee:
    """The competition's ``train.csv`` and ``train_images``.

    The labels of the test set were never published, so splits are drawn by product from the
    training list; scores do not compare with those of the competition.

    Args:
        path: the folder; ``None`` looks in ``$LIKEWISE_DATA/shopee`` and ``data/shopee``.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        shares: of train, validation and test.
        split_seed: seed of the draw. It is not the seed of a run.
    """

    path: str | None = None
    image_size: int = 64
    shares: Sequence[float] = (0.7, 0.1, 0.2)
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read the list and the pictures; offers of one ``label_group`` are one product."""
        folder = find_folder(
            "shopee",
            self.path,
            ["train.csv"],
            advice="get train.csv and train_images from the competition's page "
            "(kaggle.com/c/shopee-product-matching) after accepting its rules and set data.path "
            "to their folder",
        )
        data = TableSource(
            path=str(folder / "train.csv"),
            columns=COLUMNS,
            image_root=str(folder / "train_images"),
            image_size=self.image_size,
            shares=self.shares,
            split_seed=self.split_seed,
        ).load()
        return replace(data, catalogue=with_info(data.catalogue, _info()))


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Offers of a marketplace with a picture and a title, several of each product.",
        citation="Shopee, Price Match Guarantee, Kaggle competition, 2021",
        homepage="https://www.kaggle.com/c/shopee-product-matching",
        license="the competition's rules; not to be redistributed",
    )
