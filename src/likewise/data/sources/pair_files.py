"""The three layouts in which benchmarks of product matching are published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.sources.files import read_table
from likewise.errors import LikewiseError

SIZES = ("small", "medium", "large", "xlarge")
# The names of the splits in the files.
SPLITS = {"train": "train", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class PairFiles:
    """Offers and labelled pairs of a benchmark.

    Attributes:
        ids: of the offers, L… or R… by the table they are from.
        columns: the attributes of the offers, text; empty where missing.
        left, right: int64 [m], the offers of each pair.
        labels: int64 [m], 0 or 1.
        splits: of each pair, ``train``, ``validation`` or ``test``.
        mixed: whether training pairs of several sizes are among them.
        paths: the files that were read.
    """

    ids: list[str]
    columns: dict[str, list[str]]
    left: np.ndarray
    right: np.ndarray
    labels: np.ndarray
    splits: list[str]
    mixed: bool
    paths: list[Path]


def read_parquet(folder: Path, size: str | None) -> PairFiles:
    """``offers.parquet`` (offer_id and attributes) and ``pairs.parquet``."""
    offers_path, pairs_path = folder / "offers.parquet", folder / "pairs.parquet"
    offers = read_table(offers_path, {"offer_id": pa.string()}, others=True)
    kinds = {"left_id": pa.string(), "right_id": pa.string()}
    kinds |= {"label": pa.int64(), "split": pa.string()}
    pairs = read_table(pairs_path, kinds, others=True)
    sized = "size" in pairs.column_names
    # Pairs of all sizes, those of the test, are marked "all".
    sizes = [s for s in pairs["size"].unique().to_pylist() if s != "all"] if sized else []
    if size is not None:
        if size not in sizes:
            raise _no_size(size, sizes, folder)
        pairs = pairs.filter(pc.is_in(pairs["size"], pa.array([size, "all"])))
    splits = pairs["split"].to_pylist()
    if strange := set(splits) - set(SPLITS):
        raise LikewiseError(
            f"{pairs_path} has the split {strange.pop()}; it can be train, valid or test"
        )
    ids = offers["offer_id"]
    # cluster_id is made of the labels of all splits, the test labels among them.
    names = [n for n in offers.column_names if n not in ("offer_id", "source", "cluster_id")]
    return PairFiles(
        ids=ids.to_pylist(),
        columns={n: pc.fill_null(offers[n].cast(pa.string()), "").to_pylist() for n in names},
        left=_rows(pairs["left_id"], ids, pairs_path, offers_path),
        right=_rows(pairs["right_id"], ids, pairs_path, offers_path),
        labels=_labels(pairs["label"], pairs_path),
        splits=[SPLITS[split] for split in splits],
        mixed=size is None and len(sizes) > 1,
        paths=[offers_path, pairs_path],
    )


def read_magellan(folder: Path, size: str | None) -> PairFiles:
    """``tableA.csv`` and ``tableB.csv`` (id and attributes), ``train.csv`` and so on (the pairs).

    The layout of Magellan and DeepMatcher; all offers of the tables are in the catalogue, also
    those that no pair names.
    """
    if size is not None:
        raise _no_size(size, [], folder)
    sides = {"L": folder / "tableA.csv", "R": folder / "tableB.csv"}
    tables = {
        side: read_table(path, {"id": pa.string()}, others=True) for side, path in sides.items()
    }
    offers = pa.concat_tables(tables.values(), promote_options="default")
    names = [name for name in offers.column_names if name != "id"]
    left, right, labels, splits = [], [], [], []
    for file, split in SPLITS.items():
        path = folder / f"{file}.csv"
        kinds = {"ltable_id": pa.string(), "rtable_id": pa.string(), "label": pa.int64()}
        pairs = read_table(path, kinds)
        left.append(_rows(pairs["ltable_id"], tables["L"]["id"], path, sides["L"]))
        right.append(_rows(pairs["rtable_id"], tables["R"]["id"], path, sides["R"]))
        labels.append(_labels(pairs["label"], path))
        splits += [split] * len(pairs)
    return PairFiles(
        ids=[f"{side}{key}" for side, table in tables.items() for key in table["id"].to_pylist()],
        columns={name: pc.fill_null(offers[name], "").to_pylist() for name in names},
        left=np.concatenate(left),
        right=np.concatenate(right) + len(tables["L"]),
        labels=np.concatenate(labels),
        splits=splits,
        mixed=False,
        paths=[*sides.values(), *(folder / f"{file}.csv" for file in SPLITS)],
    )


def read_ditto(folder: Path, size: str | None) -> PairFiles:
    """``train.txt``, ``valid.txt`` and ``test.txt``, of WDC ``train.txt.small`` and so on.

    The layout of Ditto has one pair per line, ``COL title VAL …<tab>COL title VAL …<tab>label``.
    Offers have no ids there; those with equal attributes on one side are one offer, whose id is
    made of its attributes.
    """
    paths = {split: _ditto_files(folder, file, size) for file, split in SPLITS.items()}
    offers: dict[str, dict[str, str]] = {}
    rows: dict[str, int] = {}
    pairs: list[tuple[int, int, int]] = []
    splits: list[str] = []
    for split, files in paths.items():
        for path in files:
            for number, line in enumerate(_lines(path), start=1):
                left, right, label = _ditto_pair(line, number, path)
                places = []
                for side, attributes in (("L", left), ("R", right)):
                    content = "\x1f".join(attributes.values())
                    key = side + hashlib.sha1(content.encode()).hexdigest()[:12]
                    offers.setdefault(key, attributes)
                    places.append(rows.setdefault(key, len(rows)))
                pairs.append((places[0], places[1], label))
                splits.append(split)
    table = np.array(pairs, np.int64).reshape(-1, 3)
    names = list(dict.fromkeys(name for attributes in offers.values() for name in attributes))
    return PairFiles(
        ids=list(offers),
        columns={name: [offer.get(name, "") for offer in offers.values()] for name in names},
        left=table[:, 0],
        right=table[:, 1],
        labels=table[:, 2],
        splits=splits,
        mixed=len(paths["train"]) > 1,
        paths=[path for files in paths.values() for path in files],
    )


def _ditto_files(folder: Path, file: str, size: str | None) -> list[Path]:
    sized = {name: folder / f"{file}.txt.{name}" for name in SIZES}
    sized = {name: path for name, path in sized.items() if path.is_file()}
    if file == "test":
        return [folder / "test.txt"]
    if size is not None:
        if size not in sized:
            raise _no_size(size, list(sized), folder)
        return [sized[size]]
    return list(sized.values()) or [folder / f"{file}.txt"]


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise LikewiseError(f"{path.parent} has no {path.name}; fetch the data set again")
    try:
        return path.read_text("utf8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise LikewiseError(f"{path} is damaged ({error}); fetch it again") from error


def _ditto_pair(line: str, number: int, path: Path) -> tuple[dict[str, str], dict[str, str], int]:
    fields = line.split("\t")
    offers = [_attributes(field) for field in fields[:2]]
    if len(fields) != 3 or not all(offers) or fields[2].strip() not in ("0", "1"):
        raise LikewiseError(
            f"line {number} of {path} is not a labelled pair (COL name VAL …<tab>COL name VAL …"
            "<tab>0 or 1); fetch the file again"
        )
    return offers[0], offers[1], int(fields[2])


def _attributes(text: str) -> dict[str, str]:
    """The attributes of an offer; none if the text does not start with COL."""
    start, *parts = re.split(r"(?:^|\s)COL (\S+) VAL(?=\s|$)", text)
    if start.strip():
        return {}
    return {name: value.strip() for name, value in zip(parts[::2], parts[1::2], strict=True)}


def _rows(ids: pa.ChunkedArray, known: pa.ChunkedArray, path: Path, source: Path) -> np.ndarray:
    rows = pc.index_in(ids, known.combine_chunks())
    if rows.null_count:
        first = ids.filter(pc.is_null(rows))[0].as_py()
        raise LikewiseError(f"{path} names the offer {first}, which {source} does not hold")
    return rows.to_numpy().astype(np.int64)


def _labels(labels: pa.ChunkedArray, path: Path) -> np.ndarray:
    values = labels.to_numpy()
    if len(strange := values[(values != 0) & (values != 1)]):
        raise LikewiseError(f"{path} has the label {strange[0]}; labels are 0 or 1")
    return values.astype(np.int64)


def _no_size(size: str, found: Sequence[str], folder: Path) -> LikewiseError:
    known = f"it has {', '.join(found)}" if found else "its pairs come in one size: set it to null"
    return LikewiseError(f"data.size={size} is not in {folder}; {known}")
