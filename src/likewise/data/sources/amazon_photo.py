"""Amazon Photo: photo products that are frequently bought together.

Shchur, Mumme, Bojchevski and Günnemann, "Pitfalls of Graph Neural Network Evaluation", 2018, from
McAuley, Targett, Shi and van den Hengel, SIGIR 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.relevance.links import Links
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

NODES = {
    "node_id": pa.int64(),
    "class_name": pa.string(),
    "word_ids": pa.list_(pa.int64()),
}


@dataclass(frozen=True)
class AmazonPhoto:
    """``nodes.parquet`` and ``edges.parquet``; both directions of a link stand in one split.

    The words of a product's reviews are known by number only; the description is these numbers,
    such as ``w17 w402``. The category is the shop's.

    Args:
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/amazon_photo`` and
            ``data/amazon_photo``.
        validation_share, test_share: of the links, drawn at random.
        split_seed: of this draw.
    """

    path: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0

    def load(self) -> ProductData:
        """Read products and links."""
        folder = find_folder("amazon_photo", self.path, ["nodes.parquet"])
        paths = [folder / "nodes.parquet", folder / "edges.parquet"]
        nodes = read_table(paths[0], NODES)
        edges = read_table(paths[1], {"source": pa.int64(), "target": pa.int64()})
        ids = nodes["node_id"].to_numpy()
        catalogue = make_catalogue(
            {
                "product_id": [str(one) for one in ids],
                "category": nodes["class_name"].to_pylist(),
                "description": [
                    " ".join(f"w{word}" for word in words or []) or None
                    for words in nodes["word_ids"].to_pylist()
                ],
            },
            _info(),
        )
        links, loops = _links(ids, edges["source"].to_numpy(), edges["target"].to_numpy())
        shares = {"validation_share": self.validation_share, "test_share": self.test_share}
        whole = np.arange(len(catalogue))
        return ProductData(
            catalogue=catalogue,
            splits={"train": whole, "validation": whole[:0], "test": whole[:0]},
            fingerprint=fingerprint(paths, **shares, split_seed=self.split_seed),
            relevance=(self._split(links),),
            findings=[f"links of a product to itself that were left out: {loops}"] if loops else [],
        )

    def _split(self, links: np.ndarray) -> Links:
        validation, test = self.validation_share, self.test_share
        if not (validation > 0 and test > 0 and validation + test < 1):
            raise LikewiseError(
                f"data.validation_share={validation} and data.test_share={test} must be above 0 "
                "with a sum below 1"
            )
        count = links.shape[1]
        order = np.random.default_rng(self.split_seed).permutation(count)
        first, second = round(test * count), round((test + validation) * count)
        parts = {"train": order[second:], "validation": order[first:second], "test": order[:first]}
        return Links(
            source=np.concatenate([links[0], links[1]]),
            target=np.concatenate([links[1], links[0]]),
            splits={
                name: np.sort(np.concatenate([part, part + count])) for name, part in parts.items()
            },
        )


def _links(ids: np.ndarray, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, int]:
    """Rows of both products of each different link, int64 [2, links], and how many were loops."""
    if strange := sorted(set(np.union1d(source, target)) - set(ids)):
        raise LikewiseError(f"edges.parquet names the product {strange[0]}, which is in no node")
    order = np.argsort(ids)
    rows = np.stack([order[np.searchsorted(ids[order], side)] for side in (source, target)])
    apart = rows[0] != rows[1]
    return np.unique(np.sort(rows[:, apart], axis=0), axis=1), int((~apart).sum())


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Amazon Photo: products that are frequently bought together.",
        citation=(
            "Shchur, Mumme, Bojchevski and Günnemann, Pitfalls of Graph Neural Network Evaluation, "
            "2018; McAuley et al., SIGIR 2015"
        ),
        homepage="https://github.com/EdisonLeeeee/GraphData",
        license="MIT (the repository EdisonLeeeee/GraphData)",
    )
