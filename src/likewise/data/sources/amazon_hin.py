"""Amazon ratings with times, brands and categories of the products.

McAuley, Targett, Shi and van den Hengel, SIGIR 2015, as prepared by Shi, Hu, Zhao and Yu,
"Heterogeneous Information Network Embedding for Recommendation", TKDE 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.event_splits import split_events
from likewise.data.relevance.events import Events
from likewise.data.sources.files import find_folder, fingerprint, read_table

if TYPE_CHECKING:
    from datasets import DatasetInfo

# Files that say something of products, and the column of the other thing's number.
RELATIONS = {"item_brand": "brand_id", "item_category": "category_id", "item_view": "view_id"}


@dataclass(frozen=True)
class AmazonHin:
    """``ratings.parquet``, and what is known of products by number: brand, categories, views.

    The columns of the events are ``user``, ``product``, ``rating`` (1 to 5) and ``time`` (seconds
    since 1970). Attributes of a product are its brand, its categories and what else was viewed by
    those who viewed it; all are numbers only.

    Args:
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/amazon_hin`` and
            ``data/amazon_hin``.
        split_by: ``time``, ``last``, ``cold_products`` or ``cold_users``, see ``split_events``.
        validation_share, test_share: of the events, products or users; not for ``last``.
        split_seed: of a draw of products or users.
    """

    path: str | None = None
    split_by: str = "time"
    validation_share: float = 0.1
    test_share: float = 0.1
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read the ratings and the relations."""
        folder = find_folder("amazon_hin", self.path, ["ratings.parquet"])
        names = ("user_id", "item_id", "rating", "timestamp")
        ratings = read_table(folder / "ratings.parquet", dict.fromkeys(names, pa.int64()))
        relations = {
            column: _relation(folder / f"{name}.parquet", column)
            for name, column in RELATIONS.items()
        }
        items = np.unique(
            np.concatenate(
                [ratings["item_id"].to_numpy(), *(found[0] for found in relations.values())]
            )
        )
        catalogue = make_catalogue(
            {
                "product_id": [str(item) for item in items],
                "attributes": _attributes(items, relations),
            },
            _info(),
        )
        events = _events(ratings, items)
        user, product, time = (events[name].to_numpy() for name in ("user", "product", "time"))
        options = {
            "split_by": self.split_by,
            "shares": [self.validation_share, self.test_share],
            "split_seed": self.split_seed,
        }
        shares = self.validation_share, self.test_share
        splits = split_events(self.split_by, user, product, time, shares, self.split_seed)
        whole = np.arange(len(catalogue))
        paths = [folder / f"{name}.parquet" for name in ("ratings", *RELATIONS)]
        from datasets import Dataset

        return ProductData(
            catalogue=catalogue,
            splits={"train": whole, "validation": whole[:0], "test": whole[:0]},
            fingerprint=fingerprint(paths, **options),
            relevance=(Events(Dataset(events), splits),),
        )


def _relation(path: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    table = read_table(path, {"item_id": pa.int64(), column: pa.int64()})
    return table["item_id"].to_numpy(), table[column].to_numpy()


def _attributes(
    items: np.ndarray, relations: dict[str, tuple[np.ndarray, np.ndarray]]
) -> list[list[dict[str, str]]]:
    """Of each product, what it is related to."""
    found: list[list[dict[str, str]]] = [[] for _ in items]
    for column, (item, other) in relations.items():
        rows = np.searchsorted(items, item)
        for row, value in zip(rows.tolist(), other.tolist(), strict=True):
            found[row].append({"name": column.removesuffix("_id"), "value": str(value)})
    return found


def _events(ratings: pa.Table, items: np.ndarray) -> pa.Table:
    """Ordered by user and time; ratings of one second stay in the order of the file."""
    user, time = ratings["user_id"].to_numpy(), ratings["timestamp"].to_numpy()
    ordered = ratings.take(np.lexsort((time, user)))
    return pa.table(
        {
            "user": ordered["user_id"],
            "product": np.searchsorted(items, ordered["item_id"].to_numpy()),
            "rating": ordered["rating"],
            "time": ordered["timestamp"],
        }
    )


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Amazon ratings with times, and brands, categories and views of the products.",
        citation=(
            "Shi, Hu, Zhao and Yu, Heterogeneous Information Network Embedding for "
            "Recommendation, TKDE 2019; McAuley et al., SIGIR 2015"
        ),
        homepage="https://github.com/librahu/HIN-Datasets-for-Recommendation-and-Network-Embedding",
        license="none stated; for research",
    )
