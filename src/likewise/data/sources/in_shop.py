"""DeepFashion In-Shop Clothes Retrieval: 52,712 pictures of 7,982 articles of one shop.

Liu, Luo, Qiu, Wang and Tang, "DeepFashion: Powering Robust Clothes Recognition and Retrieval with
Rich Annotations", CVPR 2016, https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from likewise.data.catalogue import ProductData
from likewise.data.sources.files import find_folder
from likewise.data.sources.listed_pictures import load_listed
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

LIST = "list_eval_partition.txt"
PLACES = (f"Eval/{LIST}", LIST)
HEADER = ["image_name", "item_id", "evaluation_status"]
SPLITS = {"train": "train", "query": "test", "gallery": "gallery"}


@dataclass(frozen=True)
class InShop:
    """The unpacked benchmark: ``list_eval_partition.txt``, in ``Eval`` or not, and ``img``.

    The splits are as published: 25,882 training pictures; 14,218 queries, which are the test split;
    and a ``gallery`` of 12,612 pictures of the same 3,985 articles, which the queries search with
    ``protocol=gallery``. Articles of the validation split are drawn from the training list and
    search one another.

    Args:
        path: the folder; ``None`` looks in ``$LIKEWISE_DATA/in_shop`` and ``data/in_shop``.
        image_size: side of the pictures in pixels, see ``likewise.data.letterbox``.
        validation_share: of the training pictures, drawn by article.
        split_seed: seed of that draw. It is not the seed of a run.
    """

    path: str | None = None
    image_size: int = 64
    validation_share: float = 0.1
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read the list and the pictures; the category is that of the folder of a picture."""
        folder = find_folder(
            "in_shop",
            self.path,
            PLACES,
            advice="get the benchmark from "
            "https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html, unpack it and "
            "set data.path to its folder",
        )
        path = next(folder / place for place in PLACES if (folder / place).is_file())
        root = folder / "Img" if (folder / "Img").is_dir() else folder
        return load_listed(
            list(_rows(path)),
            [path],
            root,
            _info(),
            image_size=self.image_size,
            validation_share=self.validation_share,
            split_seed=self.split_seed,
            gallery="gallery",
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        lines = [line.split() for line in file if line.strip()]
    if len(lines) < 3 or lines[1] != HEADER:
        raise LikewiseError(f"{path} cannot be read; its second line must be {' '.join(HEADER)}")
    for number, fields in enumerate(lines[2:], start=3):
        if len(fields) != len(HEADER) or fields[2] not in SPLITS:
            raise LikewiseError(
                f"line {number} of {path} cannot be read; it must have {' '.join(HEADER)}, the "
                f"last of which is {', '.join(SPLITS)}"
            )
        name, article, status = fields
        picture = PurePosixPath(name)
        yield {
            "product_id": str(picture.with_suffix("")),
            "image": name,
            "category": " ".join(picture.parts[1:3]).replace("_", " "),
            "group": article,
            "split": SPLITS[status],
        }


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Pictures of articles of clothing of one shop, several of each article.",
        citation=(
            "Liu, Luo, Qiu, Wang and Tang, DeepFashion: Powering Robust Clothes Recognition and "
            "Retrieval with Rich Annotations, CVPR 2016"
        ),
        homepage="https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html",
        license="non-commercial research only; not to be redistributed",
    )
