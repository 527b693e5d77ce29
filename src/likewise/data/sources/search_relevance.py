"""Home Depot Product Search Relevance: how well a product answers a search term.

74,067 judgements of the competition of 2016; its rules govern their use and forbid passing them
on, so there is nothing to download here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import SPLITS, ProductData, make_catalogue
from likewise.data.relevance import Judgements
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.data.splits import first_splits
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

NAMES = ("judgements.parquet", "train.csv", "train.csv.zip")
COLUMNS = {
    "product_uid": pa.int64(),
    "product_title": pa.string(),
    "search_term": pa.string(),
    "relevance": pa.float64(),
}


@dataclass(frozen=True)
class SearchRelevance:
    """The judgements, as Parquet or as the competition's ``train.csv``, zipped or not.

    The published test set has no grades, so the judged queries are split by a hash of their text,
    70 % train, 10 % validation, 20 % test, or as ``query_splits.parquet`` says where it is there.
    A product is in the first split that judges it, so that no product of ``splits["test"]`` was
    judged for a query of another split.

    Args:
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/home_depot_search`` and
            ``data/home_depot_search``.
    """

    path: str | None = None

    def load(self) -> ProductData:
        """Read the judgements; a product's first title is its title."""
        folder = find_folder(
            "home_depot_search",
            self.path,
            NAMES,
            advice="get train.csv.zip from the competition's page after accepting its rules and "
            "set data.path to its folder",
        )
        path = next(folder / name for name in NAMES if (folder / name).is_file())
        table = read_table(path, COLUMNS, encoding="latin-1")
        grades = table["relevance"].to_numpy()
        if not np.isfinite(grades).all():
            raise LikewiseError(f"{path} has judgements without a number in relevance")
        if table["search_term"].null_count:
            raise LikewiseError(f"{path} has judgements without a search_term")
        queries = table["search_term"].combine_chunks().dictionary_encode()
        products = table["product_uid"].combine_chunks().dictionary_encode()
        query = queries.indices.to_numpy().astype(np.int64)
        product = products.indices.to_numpy().astype(np.int64)
        splits_path = folder / "query_splits.parquet"
        split = _query_splits(queries.dictionary, splits_path)[query]
        titles = table["product_title"].to_numpy()
        ids = products.dictionary.to_pylist()
        first_rows = np.unique(product, return_index=True)[1]
        catalogue = make_catalogue(
            {"product_id": [str(key) for key in ids], "title": list(titles[first_rows])}, _info()
        )
        retitled = len(np.unique(product[titles != titles[first_rows][product]]))
        judgements = Judgements(
            queries=queries.dictionary.to_pylist(),
            query=query,
            product=product,
            grades=grades,
            splits={name: np.flatnonzero(split == name) for name in SPLITS},
            # People gave 1 to 3.
            lowest_grade=1.0,
        )
        return ProductData(
            catalogue=catalogue,
            splits=first_splits(product, split),
            fingerprint=fingerprint([p for p in (path, splits_path) if p.is_file()]),
            relevance=(judgements,),
            findings=[f"products with more than one title, of which the first is kept: {retitled}"]
            if retitled
            else [],
        )


def _query_splits(queries: pa.Array, path: Path) -> np.ndarray:
    """The split of each query, str [q], from the file or, without one, by a hash of its text."""
    if not path.is_file():
        return np.array([_hash_split(query) for query in queries.to_pylist()])
    table = read_table(path, {"search_term": pa.string(), "split": pa.string()})
    rows = pc.index_in(queries, table["search_term"].combine_chunks())
    if rows.null_count:
        missing = queries.filter(pc.is_null(rows))[0].as_py()
        raise LikewiseError(f"{path} has no split for the search term {missing!r}")
    splits = table["split"].take(rows).to_numpy().astype(str)
    if strange := set(splits) - set(SPLITS):
        raise LikewiseError(
            f"{path} has the split {strange.pop()}; it may have {', '.join(SPLITS)}"
        )
    return splits


def _hash_split(query: str) -> str:
    percent = int(hashlib.sha1(query.encode()).hexdigest(), 16) % 100
    return "train" if percent < 70 else "validation" if percent < 80 else "test"


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Home Depot Product Search Relevance: graded judgements of search results.",
        citation="Home Depot Product Search Relevance, Kaggle competition, 2016",
        homepage="https://www.kaggle.com/c/home-depot-product-search-relevance",
        license="the competition's rules; not to be redistributed",
    )
