"""Amazon reviews (5-core) as sequences: what each user reviewed, in the order of time.

McAuley et al., "Image-based Recommendations on Styles and Substitutes", SIGIR 2015, as prepared by
Zhou et al., "S3-Rec: Self-Supervised Learning for Sequential Recommendation", CIKM 2020.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.event_order import shuffled
from likewise.data.event_splits import split_events
from likewise.data.relevance import Events
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

# The names of S3-Rec's files.
NAMES = {"beauty": "Beauty", "sports": "Sports_and_Outdoors", "toys": "Toys_and_Games"}


@dataclass(frozen=True)
class _Sequences:
    """What either layout holds: users in file order and their items, one user after another."""

    product_ids: list[str]
    attributes: list[list[str]]
    users: np.ndarray
    lengths: np.ndarray
    products: np.ndarray
    paths: list[Path]


@dataclass(frozen=True)
class AmazonReviews:
    """One shop department: ``sequences.parquet`` and ``items.parquet``, or S3-Rec's two files.

    A product's attributes are its brand and category names, which the source does not distinguish;
    S3-Rec's files hold only their numbers. There are no titles and no times, only the order within
    a user. The events are split by leaving one out: a user's last is ``test``, the one before
    ``validation``, the others ``train``; users with fewer than three events are in ``train`` with
    all. All products are in ``splits["train"]``.

    Args:
        name: ``beauty``, ``sports`` or ``toys``.
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/amazon_<name>`` and
            ``data/amazon_<name>``.
        download: fetch S3-Rec's files if there are none.
        url: the URL of their folder.
        sha256: hashes of the fetched files, by name; a file with another hash is refused. None is
            built in.
        split_by: ``last``, ``cold_products`` or ``cold_users``, see ``split_events``.
        validation_share, test_share: of the products or users; not for ``last``.
        split_seed: of a draw of products or users.
        shuffle: put the events of each user but the last into a random order within runs of
            ``ascending`` or ``descending`` product ids, or ``all``: events of one day seem to be
            stored by id. ``None`` keeps the stored order.
        shuffle_seed: of that order.
    """

    name: str = "beauty"
    path: str | None = None
    download: bool = False
    url: str = "https://raw.githubusercontent.com/RUCAIBox/CIKM2020-S3Rec/master/data"
    sha256: Mapping[str, str] = field(default_factory=dict)
    split_by: str = "last"
    validation_share: float = 0.1
    test_share: float = 0.1
    split_seed: int = 0
    shuffle: str | None = None
    shuffle_seed: int = 0

    def load(self) -> ProductData:
        """Read the sequences; ``product_id`` is that of the shop if the files have it."""
        if self.name not in NAMES:
            raise LikewiseError(f"data.name={self.name} must be one of {', '.join(NAMES)}")
        texts = [f"{NAMES[self.name]}_item2attributes.json", f"{NAMES[self.name]}.txt"]
        folder = find_folder(
            f"amazon_{self.name}",
            self.path,
            ["sequences.parquet", texts[1]],
            advice="set data.path to their folder or data.download=true to fetch them",
            urls={text: f"{self.url}/{text}" for text in texts} if self.download else None,
            sha256=self.sha256,
        )
        if (folder / "sequences.parquet").is_file():
            read = _read_parquet(folder / "items.parquet", folder / "sequences.parquet")
        else:
            read = _read_s3rec(folder / texts[0], folder / texts[1])
        catalogue = make_catalogue(
            {
                "product_id": read.product_ids,
                "attributes": [
                    [{"name": "brand or category", "value": value} for value in values]
                    for values in read.attributes
                ],
            },
            _info(self.name),
        )
        nobody = np.zeros(0, np.int64)
        return ProductData(
            catalogue=catalogue,
            splits={"train": np.arange(len(catalogue)), "validation": nobody, "test": nobody},
            fingerprint=fingerprint(
                read.paths,
                split=[self.split_by, self.validation_share, self.test_share, self.split_seed],
                shuffle=[self.shuffle, self.shuffle_seed],
            ),
            relevance=(self._events(read),),
        )

    def _events(self, read: _Sequences) -> Events:
        from datasets import Dataset

        products = read.products
        if self.shuffle is not None:
            numbers = np.argsort(np.argsort(np.array(read.product_ids)))
            products = shuffled(products, read.lengths, numbers, self.shuffle, self.shuffle_seed)
        user = np.repeat(read.users, read.lengths)
        # Users have numbers of their own, in the order of the file.
        person = np.repeat(np.arange(len(read.users)), read.lengths)
        shares = self.validation_share, self.test_share
        splits = split_events(self.split_by, person, products, None, shares, self.split_seed)
        return Events(Dataset(pa.table({"user": user, "product": products})), splits)


def _read_parquet(items_path: Path, sequences_path: Path) -> _Sequences:
    kinds = {"item_id": pa.int64(), "asin": pa.string(), "attributes": pa.list_(pa.string())}
    items = read_table(items_path, kinds)
    kinds = {"user_id": pa.int64(), "item_ids": pa.list_(pa.int64())}
    sequences = read_table(sequences_path, kinds)
    lists = sequences["item_ids"].combine_chunks().fill_null([])
    return _Sequences(
        product_ids=items["asin"].to_pylist(),
        attributes=[values or [] for values in items["attributes"].to_pylist()],
        users=_unrepeated(sequences["user_id"].to_numpy(), sequences_path),
        lengths=pc.list_value_length(lists).to_numpy().astype(np.int64),
        products=_rows(lists.flatten(), items["item_id"], sequences_path, items_path),
        paths=[items_path, sequences_path],
    )


def _read_s3rec(attributes_path: Path, sequences_path: Path) -> _Sequences:
    for path in (attributes_path, sequences_path):
        if not path.is_file():
            raise LikewiseError(f"{path.parent} has no {path.name}; fetch the data set again")
    try:
        content = json.loads(attributes_path.read_text("utf8"))
        attributes = {int(item): [str(number) for number in content[item]] for item in content}
    except (ValueError, TypeError) as error:
        raise LikewiseError(f"{attributes_path} is damaged ({error}); fetch it again") from error
    try:
        lines = [
            [int(number) for number in line.split()]
            for line in sequences_path.read_text("utf8").splitlines()
            if line.strip()
        ]
    except ValueError as error:
        raise LikewiseError(f"{sequences_path} is damaged ({error}); fetch it again") from error
    known = pa.chunked_array([pa.array(sorted(attributes), pa.int64())])
    items = pa.array([item for line in lines for item in line[1:]], pa.int64())
    users = np.array([line[0] for line in lines], np.int64)
    return _Sequences(
        product_ids=[str(item) for item in known.to_pylist()],
        attributes=[attributes[item] for item in known.to_pylist()],
        users=_unrepeated(users, sequences_path),
        lengths=np.array([len(line) - 1 for line in lines], np.int64),
        products=_rows(items, known, sequences_path, attributes_path),
        paths=[attributes_path, sequences_path],
    )


def _rows(items: pa.Array, known: pa.ChunkedArray, path: Path, source: Path) -> np.ndarray:
    rows = pc.index_in(items, known.combine_chunks())
    if rows.null_count:
        first = items.filter(pc.is_null(rows))[0].as_py()
        raise LikewiseError(f"{path} names the item {first}, which {source} does not hold")
    return rows.to_numpy().astype(np.int64)


def _unrepeated(users: np.ndarray, path: Path) -> np.ndarray:
    found, counts = np.unique(users, return_counts=True)
    if len(found) < len(users):
        raise LikewiseError(
            f"{path} has more than one line for the user {found[counts.argmax()]}; each user "
            "has one"
        )
    return users


def _info(name: str) -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description=f"Amazon reviews 2014, 5-core, {NAMES[name]}: sequences of items by user.",
        citation=(
            "McAuley, Targett, Shi and van den Hengel, Image-based Recommendations on Styles and "
            "Substitutes, SIGIR 2015; Zhou et al., S3-Rec, CIKM 2020"
        ),
        homepage="https://github.com/RUCAIBox/CIKM2020-S3Rec",
        license="none stated; for research",
    )
