"""Amazon Shopping Queries: products graded as exact, substitute, complement or irrelevant.

Reddy et al., "Shopping Queries Dataset: A Large-Scale ESCI Benchmark for Improving Product Search",
2022, arXiv 2206.06588, https://github.com/amazon-science/esci-data. Apache licence.
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

EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"
JUDGED = {
    "query": pa.string(),
    "query_id": pa.int64(),
    "product_id": pa.string(),
    "product_locale": pa.string(),
    "esci_label": pa.string(),
    "small_version": pa.int64(),
    "split": pa.string(),
}
TEXTS = {
    "title": "product_title",
    "description": "product_description",
    "brand": "product_brand",
}
# The gains of the paper's NDCG (section 5.1).
GRADES = {"E": 1.0, "S": 0.1, "C": 0.01, "I": 0.0}


@dataclass(frozen=True)
class AmazonEsci:
    """The two Parquet files of the published repository.

    The test split is as published. Validation queries are drawn from the training queries by a hash
    of their number, ``validation_share`` of them. The grades are the gains of the paper: exact 1,
    substitute .1, complement .01, irrelevant 0. A product is in the first split that judges it, so
    that no product of ``splits["test"]`` was judged for a query of another split.

    Args:
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/amazon_esci`` and
            ``data/amazon_esci``.
        locale: ``us``, ``es`` or ``jp``.
        small: only the harder queries of the smaller version, on which the paper ranks.
        validation_share: of the training queries.
    """

    path: str | None = None
    locale: str = "us"
    small: bool = True
    validation_share: float = 0.1

    def load(self) -> ProductData:
        """Read the judgements and the products that they name."""
        if not 0 < self.validation_share < 1:
            raise LikewiseError(
                f"data.validation_share={self.validation_share} must be between 0 and 1"
            )
        folder = find_folder(
            "amazon_esci",
            self.path,
            [EXAMPLES],
            advice="fetch the folder shopping_queries_dataset of "
            "https://github.com/amazon-science/esci-data (with git lfs) and set data.path to it",
        )
        table = read_table(folder / EXAMPLES, JUDGED)
        known = pc.unique(table["product_locale"]).to_pylist()
        if self.locale not in known:
            raise LikewiseError(f"data.locale={self.locale} must be {' or '.join(sorted(known))}")
        kept = pc.equal(table["product_locale"], self.locale)
        if self.small:
            kept = pc.and_(kept, pc.equal(table["small_version"], 1))
        table = table.filter(kept)
        if strange := set(pc.unique(table["esci_label"]).to_pylist()) - set(GRADES):
            raise LikewiseError(
                f"{folder / EXAMPLES} has the label {strange.pop()}; labels are {', '.join(GRADES)}"
            )
        numbers, query = np.unique(table["query_id"].to_numpy(), return_inverse=True)
        first = np.unique(query, return_index=True)[1]
        products = table["product_id"].combine_chunks().dictionary_encode()
        product = products.indices.to_numpy().astype(np.int64)
        held = np.array([_held_out(int(number), self.validation_share) for number in numbers])
        published = table["split"].to_numpy(zero_copy_only=False).astype(str)
        split = np.where((published == "train") & held[query], "validation", published)
        judgements = Judgements(
            queries=table["query"].take(first).to_pylist(),
            query=query.astype(np.int64),
            product=product,
            grades=np.array([GRADES[label] for label in table["esci_label"].to_pylist()]),
            splits={name: np.flatnonzero(split == name) for name in SPLITS},
        )
        texts = _texts(folder, products.dictionary, self.locale)
        return ProductData(
            catalogue=make_catalogue(
                {"product_id": products.dictionary.to_pylist(), **texts}, _info()
            ),
            splits=first_splits(product, split),
            fingerprint=fingerprint(
                [folder / EXAMPLES, folder / PRODUCTS],
                locale=self.locale,
                small=self.small,
                validation_share=self.validation_share,
            ),
            relevance=(judgements,),
        )


def _texts(folder: Path, ids: pa.Array, locale: str) -> dict[str, list[str | None]]:
    """The texts of the products ``ids``, by the column of the catalogue."""
    path = folder / PRODUCTS
    wanted = {"product_id": pa.string(), "product_locale": pa.string()}
    table = read_table(path, wanted | dict.fromkeys(TEXTS.values(), pa.string()))
    table = table.filter(pc.equal(table["product_locale"], locale))
    rows = pc.index_in(ids, table["product_id"].combine_chunks())
    if rows.null_count:
        missing = ids.filter(pc.is_null(rows))[0].as_py()
        raise LikewiseError(f"{path} has no product {missing}, which {EXAMPLES} judges")
    found = table.take(rows)
    return {name: found[column].to_pylist() for name, column in TEXTS.items()}


def _held_out(query: int, share: float) -> bool:
    digest = hashlib.sha1(str(query).encode()).hexdigest()
    return int(digest, 16) % 10_000 < share * 10_000


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Shopping queries and products, graded exact, substitute, complement or not.",
        citation=(
            "Reddy et al., Shopping Queries Dataset: A Large-Scale ESCI Benchmark for Improving "
            "Product Search, 2022, arXiv 2206.06588"
        ),
        homepage="https://github.com/amazon-science/esci-data",
        license="Apache-2.0",
    )
