"""Ciao: ratings of products on a review site, and the trust network of its users.

Tang, Gao and Liu, "mTrust: Discerning Multi-Faceted Trust in a Connected World", WSDM 2012; Tang,
Gao, Liu and Das Sarma, "eTrust: Understanding Trust Evolution in an Online World", KDD 2012.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from likewise.data.catalogue import SPLITS, ProductData, make_catalogue
from likewise.data.relevance import Events, Trust
from likewise.data.sources.files import find_folder, fingerprint, read_table
from likewise.data.time_split import time_splits
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import DatasetInfo

ARCHIVE = "ciao_with_rating_timestamp.zip"
RATINGS = ("rating_with_timestamp.mat", "rating.mat")
TRUST = "trustnetwork.mat"
# The columns of the ratings in either layout, and their names in the events.
COLUMNS = {
    "user_id": "user",
    "item_id": "item",
    "category_id": "category",
    "rating": "rating",
    "helpfulness": "helpfulness",
    "timestamp": "time",
}
TRUST_COLUMNS = ("user_id", "trusts_user_id")


@dataclass(frozen=True)
class Ciao:
    """Ratings with trust, in the layout of Parquet or as published (MATLAB files, zipped or not).

    The columns of the events are ``user``, ``product``, ``rating`` (1 to 5), ``helpfulness`` (of
    the review, as others found it) and ``time`` (seconds since 1970); of several ratings of a
    product by one user the latest is kept. The events are split by time. The version without
    ratings (``interactions.parquet``) has ``user`` and ``product`` only, no time, and the splits
    of its publishers. Categories are numbers. All products are in
    ``splits["train"]``.

    Args:
        name: name of the folder: ``ciao_ratings``, or ``ciao`` for the version without ratings,
            which has other ids.
        path: the folder of the files; ``None`` looks in ``$LIKEWISE_DATA/<name>`` and
            ``data/<name>``.
        validation_share, test_share: shares of the ratings, by time; test has the latest ones.
        download: fetch the published archive if there are no files.
        url: the URL of this archive.
        sha256: hashes of the fetched files, by name; a file with another hash is refused. None is
            built in.
    """

    name: str = "ciao_ratings"
    path: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    download: bool = False
    url: str = f"https://www.cse.msu.edu/~tangjili/datasetcode/{ARCHIVE}"
    sha256: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> ProductData:
        """Read the ratings and the trust network."""
        folder = find_folder(
            self.name,
            self.path,
            ["ratings.parquet", "interactions.parquet", *RATINGS, ARCHIVE],
            advice="set data.path to their folder or data.download=true to fetch them",
            urls={ARCHIVE: self.url} if self.download else None,
            sha256=self.sha256,
        )
        if (folder / "interactions.parquet").is_file():
            return _implicit(folder)
        findings = []
        if (folder / "ratings.parquet").is_file():
            paths = [folder / "ratings.parquet", folder / "trust.parquet"]
            ratings = read_table(paths[0], dict.fromkeys(COLUMNS, pa.int64()))
            trust = read_table(paths[1], dict.fromkeys(TRUST_COLUMNS, pa.int64()))
        else:
            ratings, trust, paths = _read_matlab(folder)
        table = _latest(ratings.rename_columns(list(COLUMNS.values())))
        if repeats := len(ratings) - len(table):
            findings.append(f"ratings left out for a later one by the same user: {repeats}")
        splits = time_splits(table["time"].to_numpy(), self.validation_share, self.test_share)
        shares = {"validation_share": self.validation_share, "test_share": self.test_share}
        return _data(table, trust, table, splits, fingerprint(paths, **shares), findings)


def _implicit(folder: Path) -> ProductData:
    paths = [folder / f"{name}.parquet" for name in ("interactions", "trust", "item_category")]
    kinds = {"user_id": pa.int64(), "item_id": pa.int64(), "split": pa.string()}
    table = read_table(paths[0], kinds).rename_columns(["user", "item", "split"])
    trust = read_table(paths[1], dict.fromkeys(TRUST_COLUMNS, pa.int64()))
    kinds = dict.fromkeys(("item_id", "category_id"), pa.int64())
    categories = read_table(paths[2], kinds).rename_columns(["item", "category"])
    # A stable order: the splits of the file have no time, only an order in the file.
    order = np.argsort(table["user"].to_numpy(), kind="stable")
    table = table.take(order)
    split = table["split"].to_numpy()
    if strange := set(split) - set(SPLITS):
        raise LikewiseError(
            f"{paths[0]} has the split {strange.pop()}; it may have {', '.join(SPLITS)}"
        )
    splits = {name: np.flatnonzero(split == name) for name in SPLITS}
    return _data(table.drop_columns("split"), trust, categories, splits, fingerprint(paths), [])


def _latest(ratings: pa.Table) -> pa.Table:
    """The last rating of each product by each user, ordered by user and time."""
    user, item, time = (ratings[name].to_numpy() for name in ("user", "item", "time"))
    order = np.lexsort((np.arange(len(user)), time, item, user))
    user, item = user[order], item[order]
    last = np.ones(len(order), bool)
    last[:-1] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    kept = np.sort(order[last])
    table = ratings.take(kept)
    return table.take(np.lexsort((table["time"].to_numpy(), table["user"].to_numpy())))


def _data(
    table: pa.Table,
    trust: pa.Table,
    categories: pa.Table,
    splits: dict[str, np.ndarray],
    content: str,
    findings: list[str],
) -> ProductData:
    """The data of events (user, item …), trust and the categories of items (item, category)."""
    from datasets import Dataset

    items = np.union1d(table["item"].to_numpy(), categories["item"].to_numpy())
    item, first = np.unique(categories["item"].to_numpy(), return_index=True)
    category = dict(zip(item.tolist(), categories["category"].take(first).to_pylist(), strict=True))
    pairs = np.unique(
        np.stack([categories["item"].to_numpy(), categories["category"].to_numpy()]), axis=1
    )
    if several := pairs.shape[1] - len(item):
        findings = [
            *findings,
            f"further categories of a product, of which the first is kept: {several}",
        ]
    catalogue = make_catalogue(
        {
            "product_id": [str(key) for key in items.tolist()],
            "category": [str(category[key]) if key in category else None for key in items.tolist()],
        },
        _info(),
    )
    events = {"user": table["user"], "product": np.searchsorted(items, table["item"].to_numpy())}
    for name in ("rating", "helpfulness", "time"):
        if name in table.column_names:
            events[name] = table[name].cast(pa.float64())
    trusted = Trust(*(trust[name].to_numpy() for name in TRUST_COLUMNS))
    nobody = np.zeros(0, np.int64)
    return ProductData(
        catalogue=catalogue,
        splits={"train": np.arange(len(items)), "validation": nobody, "test": nobody},
        fingerprint=content,
        relevance=(Events(Dataset(pa.table(events)), splits, trusted, ordered="time" in events),),
        findings=findings,
    )


def _read_matlab(folder: Path) -> tuple[pa.Table, pa.Table, list[Path]]:
    """Ratings and trust of the MATLAB files or the archive, and what was read."""
    archive = folder / ARCHIVE
    name = next((name for name in RATINGS if (folder / name).is_file()), RATINGS[0])
    paths = [folder / name, folder / TRUST]
    if not paths[0].is_file() and archive.is_file():
        paths = [archive]
        ratings, trust = (_archived(archive, name) for name in (RATINGS[0], TRUST))
    else:
        for path in paths:
            if not path.is_file():
                raise LikewiseError(f"{folder} has no {path.name}; fetch the data set again")
        ratings, trust = (path.read_bytes() for path in paths)
    return (
        _matlab_table(ratings, list(COLUMNS), paths[0]),
        _matlab_table(trust, list(TRUST_COLUMNS), paths[-1]),
        paths,
    )


def _archived(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as content:
            member = next((m for m in content.namelist() if Path(m).name == name), None)
            if member is None:
                raise LikewiseError(f"{archive} has no {name}; fetch it again")
            return content.read(member)
    except zipfile.BadZipFile as error:
        raise LikewiseError(f"{archive} is damaged ({error}); fetch it again") from error


def _matlab_table(content: bytes, columns: list[str], path: Path) -> pa.Table:
    """The one matrix of a MATLAB file, whose first columns are ``columns``, as integers."""
    from scipy.io import loadmat

    try:
        variables = loadmat(io.BytesIO(content))
    except Exception as error:  # scipy names no exceptions for damaged files
        raise LikewiseError(f"{path} is damaged ({error}); fetch it again") from error
    matrices = [value for name, value in variables.items() if not name.startswith("__")]
    matrix = matrices[0] if len(matrices) == 1 else np.zeros((0, 0))
    if matrix.ndim != 2 or matrix.shape[1] != len(columns):
        raise LikewiseError(
            f"{path} should hold one matrix of {len(columns)} columns ({', '.join(columns)}); "
            "fetch the version with times"
        )
    return pa.table({name: matrix[:, place].astype(np.int64) for place, name in enumerate(columns)})


def _info() -> DatasetInfo:
    from datasets import DatasetInfo

    return DatasetInfo(
        description="Ciao: ratings of products and trust between users.",
        citation=(
            "Tang, Gao and Liu, mTrust: Discerning Multi-Faceted Trust in a Connected World, WSDM "
            "2012; Tang, Gao, Liu and Das Sarma, eTrust: Understanding Trust Evolution in an "
            "Online World, KDD 2012"
        ),
        homepage="https://www.cse.msu.edu/~tangjili/datasetcode/truststudy.htm",
        license="none stated; cite the papers",
    )
