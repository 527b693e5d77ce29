"""Product matching: labelled pairs of offers of two shops, or of many (WDC).

Mudgal et al., "Deep Learning for Entity Matching: A Design Space Exploration", SIGMOD 2018
(Abt-Buy, Amazon-Google, Walmart-Amazon); Primpeli, Peeters and Bizer, "The WDC Training Dataset
and Gold Standard for Large-Scale Product Matching", WWW Companion 2019; in the text form of Li et
al., "Deep Entity Matching with Pre-Trained Language Models", VLDB 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.catalogue import SPLITS, ProductData, make_catalogue
from likewise.data.cleaning.price import parse_price
from likewise.data.contents import content_numbers
from likewise.data.relevance import Groups, Pairs
from likewise.data.sources.files import find_folder, fingerprint
from likewise.data.sources.pair_files import (
    PairFiles,
    read_ditto,
    read_magellan,
    read_parquet,
)
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

# The first of these files that is there tells the layout.
LAYOUTS = {"pairs.parquet": read_parquet, "tableA.csv": read_magellan, "test.txt": read_ditto}
# Folders of the repository megagonlabs/ditto.
ORIGINALS = {
    "abt_buy": "er_magellan/Textual/Abt-Buy",
    "amazon_google": "er_magellan/Structured/Amazon-Google",
    "walmart_amazon": "er_magellan/Structured/Walmart-Amazon",
    "wdc_cameras": "wdc/cameras",
    "wdc_computers": "wdc/computers",
    "wdc_shoes": "wdc/shoes",
    "wdc_watches": "wdc/watches",
}
COLUMNS = {
    "title": "title",
    "name": "title",
    "description": "description",
    "brand": "brand",
    "manufacturer": "brand",
    "category": "category",
    "price": "price",
}


@dataclass(frozen=True)
class ProductMatching:
    """One benchmark of product matching, in the layout of Parquet, of Magellan or of Ditto.

    The catalogue holds the offers of both sides; ``product_id`` starts with L or R, which is the
    ``shop`` where the sides are two shops. WDC's sides are not: its offers are of many shops, which
    the files do not name, and an offer may be on both sides. Groups are the
    connected components of the matches among the training pairs, so that no test label is in
    them; an offer without a match there is a group of its own.

    Args:
        name: ``abt_buy``, ``amazon_google``, ``walmart_amazon``, ``wdc_cameras``,
            ``wdc_computers``, ``wdc_shoes``, or the name of a folder of yours.
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/product_matching/<name>``
            and ``data/product_matching/<name>``.
        size: of the training and validation pairs of WDC, ``small``, ``medium`` or ``large``;
            ``null`` for all others. With ``null``, WDC's sizes are mixed: for inspection only,
            since validation pairs of one size are training pairs of another.
        download: fetch the files in Ditto's layout if there are none.
        url: the URL of Ditto's ``data`` folder; it names a commit, whose files never change.
        sha256: hashes of the fetched files, by name; a file with another hash is refused. None is
            built in.
    """

    name: str = "abt_buy"
    path: str | None = None
    size: str | None = None
    download: bool = False
    url: str = (
        "https://raw.githubusercontent.com/megagonlabs/ditto/"
        "17c6ba4eec89a1afb9ad0dacc6adbce0e3f12e48/data"
    )
    sha256: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> ProductData:
        """Read the offers and pairs; only training labels go into the groups."""
        urls = self._urls() if self.download else {}
        folder = find_folder(
            f"product_matching/{self.name}",
            self.path,
            ["pairs.parquet", "tableA.csv", *(list(urls)[-1:] or ["test.txt"])],
            advice="set data.path to their folder or data.download=true to fetch them",
            urls=urls,
            sha256=self.sha256,
        )
        read = next(read for file, read in LAYOUTS.items() if (folder / file).is_file())
        files = read(folder, self.size)
        columns, unread_prices = _columns(files)
        if not self.name.startswith("wdc_"):
            columns["shop"] = [key[0] for key in files.ids]
        catalogue = make_catalogue(columns, _info(self.name))
        split = np.array(files.splits)
        pairs = Pairs(
            left=files.left,
            right=files.right,
            labels=files.labels,
            splits={name: np.flatnonzero(split == name) for name in SPLITS},
        )
        splits = {name: pairs.products_of(name) for name in SPLITS}
        groups = pairs.components(len(files.ids))
        firsts = np.unique(groups, return_index=True)[1]
        names = [files.ids[row] for row in firsts]
        return ProductData(
            catalogue=catalogue,
            splits=splits,
            fingerprint=fingerprint(files.paths, size=self.size),
            relevance=(pairs, Groups.of(groups, names, splits)),
            findings=_findings(files, unread_prices, pairs, content_numbers(catalogue)),
        )

    def _urls(self) -> dict[str, str]:
        if self.name not in ORIGINALS:
            raise LikewiseError(
                f"data.name={self.name} cannot be downloaded; {', '.join(ORIGINALS)} can"
            )
        sized = self.name.startswith("wdc_")
        if sized and self.size is None:
            raise LikewiseError(
                f"data.size=null cannot be downloaded for {self.name}; set it to small, medium or "
                "large"
            )
        end = f".{self.size}" if sized else ""
        # The file that tells one size from another comes last, so that each is fetched in turn.
        files = ["test.txt", f"valid.txt{end}", f"train.txt{end}"]
        return {file: f"{self.url}/{ORIGINALS[self.name]}/{file}" for file in files}


def _columns(files: PairFiles) -> tuple[dict[str, list[Any]], int]:
    """The columns of the catalogue, and how many prices could not be read."""
    columns: dict[str, list[Any]] = {"product_id": files.ids}
    others = {}
    for name, values in files.columns.items():
        target = COLUMNS.get(name)
        if target is None or target in columns:
            others[name] = values
        else:
            columns[target] = [value or None for value in values]
    unread = 0
    if "price" in columns:
        texts = columns["price"]
        columns["price"] = [parse_price(text or "") for text in texts]
        unread = sum(text is not None for text in texts)
        unread -= sum(price is not None for price in columns["price"])
    if others:
        columns["attributes"] = [
            [{"name": n, "value": value} for n, value in zip(others, row, strict=True) if value]
            for row in zip(*others.values(), strict=True)
        ]
    return columns, unread


def _findings(
    files: PairFiles, unread_prices: int, pairs: Pairs, contents: np.ndarray
) -> list[str]:
    findings = []
    if files.mixed:
        findings.append(
            "training pairs of several sizes are mixed, for inspection only; set data.size"
        )
    if unread_prices:
        findings.append(f"prices that are not numbers and were left out: {unread_prices}")
    if repeated := pairs.repeated(contents):
        findings.append(
            f"pairs that are in more than one split: {repeated}; the scores of "
            "test_without_leaks leave them out"
        )
    if conflicting := pairs.conflicts(contents):
        findings.append(f"pairs that are labelled a match and no match: {conflicting}")
    return findings


def _info(name: str) -> DatasetInfo:
    from datasets import DatasetInfo

    wdc = name.startswith("wdc_")
    return DatasetInfo(
        description=f"Product matching, {name}: offers and labelled pairs of offers.",
        citation=(
            "Primpeli, Peeters and Bizer, The WDC Training Dataset and Gold Standard for "
            "Large-Scale Product Matching, WWW Companion 2019"
            if wdc
            else "Mudgal et al., Deep Learning for Entity Matching: A Design Space Exploration, "
            "SIGMOD 2018"
        ),
        homepage="https://github.com/megagonlabs/ditto",
        license="Apache-2.0 (the repository megagonlabs/ditto)",
    )
