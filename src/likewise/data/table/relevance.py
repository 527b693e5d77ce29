"""The splits of a table, and the pairs that the user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import SPLITS
from likewise.data.relevance import Pairs
from likewise.data.splits import stratified_sample, whole_groups
from likewise.data.table.base import SPLIT_NAMES, named
from likewise.data.table.columns import resolve
from likewise.data.table.findings import Defect, Findings
from likewise.data.table.mend import text_of
from likewise.data.table.rows import open_rows
from likewise.errors import LikewiseError

PAIR_ROLES = ("left_id", "right_id", "label", "split")
LABELS = {"1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0}


def named_shares(shares: Sequence[float]) -> dict[str, float]:
    """The shares by split, which must be three positive numbers with the sum 1."""
    numbers = (
        isinstance(shares, Sequence)
        and len(shares) == 3
        and all(isinstance(share, int | float) and share > 0 for share in shares)
    )
    if not numbers or abs(sum(shares) - 1) > 1e-9:
        raise LikewiseError(
            f"data.shares={shares} must be three positive numbers with the sum 1, for "
            f"{', '.join(SPLITS)}"
        )
    return dict(zip(SPLITS, shares, strict=True))


def draw(
    groups: np.ndarray, shares: Mapping[str, float], split_by: str, seed: int
) -> dict[str, np.ndarray]:
    """Places (int64) of the products of each split.

    Args:
        groups: int64 [n].
        shares: of the products, by the name of the split; their sum is 1.
        split_by: ``product``: each split has about its share of every group; ``group``: splits
            share no group, and of few groups a split may get none.
        seed: of the draw.
    """
    if split_by == "group":
        return whole_groups(groups, shares, seed)
    rest, drawn = np.arange(len(groups)), {}
    first, *later = shares
    for name in reversed(later):
        size = round(shares[name] * len(groups))
        drawn[name] = rest[stratified_sample(groups[rest], size, seed)]
        rest = np.setdiff1d(rest, drawn[name])
    return {first: rest} | {name: drawn[name] for name in later}


def read_pairs(
    path: str,
    product_ids: pa.ChunkedArray,
    shares: Mapping[str, float],
    seed: int,
    encoding: str,
    cache: Path,
) -> tuple[Pairs, list[str]]:
    """Read labelled pairs; return them with the defects that were found.

    Without a ``split`` column they are drawn at random, stratified by label.

    Args:
        path: of a table with ``left_id``, ``right_id``, ``label`` and maybe ``split``.
        product_ids: of the catalogue, in its order.
        shares, seed: of the draw.
        encoding, cache: as ``open_rows`` takes them.
    """
    rows = open_rows(path, encoding, cache, "data.pairs")
    roles = resolve({}, rows.columns, path, PAIR_ROLES)
    if missing := [name for name in PAIR_ROLES[:3] if name not in roles]:
        raise LikewiseError(
            f"{path} has no column {missing[0]}; pairs have left_id, right_id, label and maybe "
            f"split, and it has {named(rows.columns)}"
        )
    findings = Findings("pair", rows.place)
    ids: dict[str, list[str | None]] = {"left_id": [], "right_id": []}
    labels, parts, places = [], [], []
    for place, row in rows.read():
        if isinstance(row, Defect):
            findings.add(row, place)
            continue
        label = LABELS.get((text_of(row["label"]) or "").lower())
        part = SPLIT_NAMES.get((text_of(row["split"]) or "").lower()) if "split" in roles else ""
        if label is None:
            findings.add(Defect.LABEL, place)
        elif part is None:
            findings.add(Defect.SPLIT, place, "left out")
        else:
            for name, values in ids.items():
                values.append(text_of(row[name]))
            labels.append(label)
            parts.append(part)
            places.append(place)
    known = product_ids.combine_chunks()
    left, right = (
        pc.index_in(pa.array(ids[name], known.type), known).fill_null(-1).to_numpy()
        for name in ("left_id", "right_id")
    )
    kept = (left >= 0) & (right >= 0)
    for number in np.flatnonzero(~kept):
        findings.add(Defect.UNKNOWN_PRODUCT, places[number])
    for number in np.flatnonzero(kept & (left == right)):
        findings.add(Defect.SELF, places[number])
    kept &= left != right
    if not kept.any():
        raise LikewiseError(
            f"no pair of {path} can be used: {'; '.join(findings.sentences()) or 'it has none'}"
        )
    label_array = np.array(labels, np.int64)[kept]
    if "split" in roles:
        names = np.array(parts)[kept]
        splits = {name: np.flatnonzero(names == name) for name in SPLITS}
    else:
        splits = draw(label_array, shares, "product", seed)
    pairs = Pairs(left[kept].astype(np.int64), right[kept].astype(np.int64), label_array, splits)
    return pairs, findings.sentences()


def with_validation(
    splits: Mapping[str, np.ndarray],
    groups: np.ndarray,
    shares: Mapping[str, float],
    split_by: str,
    seed: int,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the splits that a table states, with sentences about problems.

    If no row is for validation, validation rows are drawn from training.
    """
    said = [
        f"the split column puts no product into {name}; put some there, or take the column out and "
        "data.shares are drawn"
        for name in ("train", "test")
        if not len(splits[name])
    ]
    if len(splits["validation"]) or not len(splits["train"]):
        return dict(splits), said
    rows, both = splits["train"], shares["train"] + shares["validation"]
    parts = {name: shares[name] / both for name in ("train", "validation")}
    drawn = {name: rows[part] for name, part in draw(groups[rows], parts, split_by, seed).items()}
    count = len(drawn["validation"])
    said.append(f"no product is in validation, so {count} training products were drawn for it")
    return {**splits, **drawn}, said
