"""Stanford Online Products: 120,053 pictures of 22,634 products that were sold on eBay.

Oh Song, Xiang, Jegelka and Savarese, "Deep Metric Learning via Lifted Structured Feature
Embedding", CVPR 2016, https://cvgl.stanford.edu/projects/lifted_struct/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.data.catalogue import ProductData
from likewise.data.sources.files import find_folder
from likewise.data.sources.listed_pictures import load_listed
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

LISTS = {"train": "Ebay_train.txt", "test": "Ebay_test.txt"}
HEADER = ["image_id", "class_id", "super_class_id", "path"]


@dataclass(frozen=True)
class StanfordOnlineProducts:
    """The unpacked archive: ``Ebay_train.txt``, ``Ebay_test.txt`` and the folders of pictures.

    The test split is as published: 60,502 pictures of 11,316 products that training never saw,
    each of which searches the others (``protocol=leave_one_out``). There is no published validation
    split; products are drawn from the training list.

    Args:
        path: the folder; ``None`` looks in ``$LIKEWISE_DATA/stanford_online_products`` and
            ``data/stanford_online_products``.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        validation_share: of the training pictures, drawn by product.
        split_seed: seed of that draw. It is not the seed of a run.
    """

    path: str | None = None
    image_size: int = 64
    validation_share: float = 0.1
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read the lists and the pictures; the category is one of twelve kinds of products."""
        folder = find_folder(
            "stanford_online_products",
            self.path,
            [LISTS["train"]],
            advice="fetch Stanford_Online_Products.zip from "
            "https://cvgl.stanford.edu/projects/lifted_struct/ and set data.path to its folder",
        )
        lists = [folder / name for name in LISTS.values()]
        return load_listed(
            [row for split, path in zip(LISTS, lists, strict=True) for row in _rows(path, split)],
            lists,
            folder,
            _info(),
            image_size=self.image_size,
            validation_share=self.validation_share,
            split_seed=self.split_seed,
        )


def _rows(path: Path, split: str) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise LikewiseError(f"{path} is missing; unpack the data set again")
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            fields = line.split()
            if len(fields) != len(HEADER) or (number == 1 and fields != HEADER):
                raise LikewiseError(
                    f"line {number} of {path} cannot be read; it must have {' '.join(HEADER)}"
                )
            if number > 1:
                picture = fields[3]
                yield {
                    "product_id": Path(picture).stem,
                    "image": picture,
                    "category": Path(picture).parent.name.removesuffix("_final"),
                    "group": fields[1],
                    "split": split,
                }


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Pictures of products that were sold on eBay, several of each product.",
        citation=(
            "Oh Song, Xiang, Jegelka and Savarese, Deep Metric Learning via Lifted Structured "
            "Feature Embedding, CVPR 2016"
        ),
        homepage="https://cvgl.stanford.edu/projects/lifted_struct/",
        license="for research",
    )
