"""Problems of a catalogue, and whether they would make a study misleading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import ProductData
from likewise.data.contents import contents_of
from likewise.data.duplicates import Split, duplicates, identities
from likewise.data.finding import SHOWN, Finding, describe
from likewise.data.images import has_pixels
from likewise.data.leaks import find_leaks

if TYPE_CHECKING:
    from datasets import Dataset

KINDS = ("missing values", "duplicates", "outliers", "label conflicts", "leaks", "balance")
# The modified z-score above which a value is an outlier (Iglewicz and Hoaglin, "How to Detect and
# Handle Outliers", 1993).
OUTLYING = 3.5
# What products can be told apart by, and the share without any of it above which a study would be
# about the gaps.
CONTENTS = ("title", "description", "attributes", "image", "reviews")
MOSTLY_MISSING = 0.5
# The share of test products with near-duplicates in training that is no longer an accident.
TOLERATED_LEAKS = 0.01


def find_problems(data: ProductData) -> list[Finding]:
    """Run all checks and return their findings, sorted by kind.

    A study is spoilt by: an empty split or one where nothing can be found, a label that is
    contradicted, an exact duplicate or more than 1 % near-duplicates of test products in training,
    test pairs or queries that are trained on, and products that mostly have no content at all.
    """
    checks: tuple[Callable[[ProductData], Iterable[Finding]], ...] = (
        missing_values,
        same_products,
        outliers,
        leaks,
        problems_of_relevance,
    )
    found = [finding for check in checks for finding in check(data)]
    return sorted(found, key=lambda finding: KINDS.index(finding.kind))


def missing_values(data: ProductData) -> Iterable[Finding]:
    """Find columns with missing or empty values, and products without any content."""
    products = data.catalogue
    count = len(data.catalogue)
    missing = {name: _is_missing(column) for name, column in _table(data.catalogue).items()}
    bare = np.full(count, not has_pixels(data.catalogue))
    for name in set(CONTENTS) & set(missing):
        bare &= missing[name]
    for name, lacking in [*missing.items(), (" or ".join(CONTENTS), bare)]:
        rows = np.flatnonzero(lacking)
        if len(rows):
            yield Finding(
                "missing values",
                f"{len(rows):,} of {count:,} products ({len(rows) / count:.1%}) have no {name}",
                lacking is bare and len(rows) > MOSTLY_MISSING * count,
                [describe(products, row) for row in rows[:SHOWN]],
            )


def same_products(data: ProductData) -> Iterable[Finding]:
    """Find products with the same, or nearly the same, picture or text as another product."""
    products = data.catalogue
    everything = np.arange(len(data.catalogue))
    for modality, contents in contents_of(data.catalogue, everything).items():
        whole = Split(everything, identities(contents, len(everything)))
        repeats = len(whole.rows) - len(whole.ids)
        if repeats:
            counts = np.bincount(whole.inverse)
            most = np.argsort(-counts, kind="stable")[:SHOWN]
            sets = [whole.rows[whole.inverse == place] for place in most if counts[place] > 1]
            yield Finding(
                "duplicates",
                f"{repeats:,} of {len(whole.rows):,} products repeat the {modality} of another; "
                f"the most frequent one occurs {counts.max():,} times",
                examples=[f"{len(rows)} × {describe(products, rows[0])}" for rows in sets],
                rows=[rows[:4].tolist() for rows in sets] if modality == "image" else [],
            )
        near = [found for found in duplicates(contents, whole, whole) if found[2] == "near"]
        if near:
            alike = sorted(near, key=lambda found: (-found[3], found[0]))
            shown = {tuple(sorted(found[:2])): found[3] for found in alike}
            some = list(shown.items())[:SHOWN]
            yield Finding(
                "duplicates",
                f"{len({found[0] for found in near}):,} products have nearly the same {modality} "
                "as another",
                examples=[
                    f"{likeness:.2f}: {describe(products, one)} / {describe(products, other)}"
                    for (one, other), likeness in some
                ],
                rows=[list(pair) for pair, _ in some] if modality == "image" else [],
            )


def outliers(data: ProductData) -> Iterable[Finding]:
    """Find outliers among prices and lengths of texts, on a logarithmic scale.

    The criterion is the modified z-score, from the median and the median absolute deviation
    (Iglewicz and Hoaglin, 1993); a price of zero or less is an outlier of its own.
    """
    products = data.catalogue
    table = _table(data.catalogue)
    if "price" in table:
        prices = table["price"].to_numpy(zero_copy_only=False).astype(np.float64)
        wrong = np.flatnonzero(prices <= 0)
        if len(wrong):
            examples = [f"{prices[row]:g}: {describe(products, row)}" for row in wrong[:SHOWN]]
            sentence = f"{len(wrong):,} products have a price of zero or less"
            yield Finding("outliers", sentence, examples=examples)
        yield from _outlying(data, "price", prices)
    for name in ("title", "description"):
        if name in table:
            lengths = pc.utf8_length(table[name]).fill_null(0)
            yield from _outlying(data, f"length of {name}", lengths.to_numpy().astype(np.float64))


def leaks(data: ProductData) -> Iterable[Finding]:
    """Find products of one split with a duplicate in another.

    Splits that share products by design, such as those of labelled pairs, are not checked.
    """
    products = data.catalogue
    if data.main.shares_products:
        return
    found_leaks = find_leaks(data)
    for (earlier, later), kinds in found_leaks.counts().items():
        total = len(data.splits[later])
        for kind, count in kinds.items():
            if not count:
                continue
            shown = [
                leak
                for leak in found_leaks.found
                if (leak.earlier, leak.later, leak.kind) == (earlier, later, kind)
            ][:SHOWN]
            tested = later == "test" and earlier == "train"
            yield Finding(
                "leaks",
                f"{count:,} of {total:,} {later} products have {'an' if kind == 'exact' else 'a'} "
                f"{kind} duplicate in {earlier}",
                tested and (kind == "exact" or count > TOLERATED_LEAKS * total),
                [
                    f"{describe(products, leak.row)} / {describe(products, leak.counterpart)}"
                    for leak in shown
                ],
                [[leak.row, leak.counterpart] for leak in shown if leak.modality == "image"],
            )


def problems_of_relevance(data: ProductData) -> Iterable[Finding]:
    """Contradictory labels, leaks and imbalance, as the main kind of relevance sees them."""
    if not len(data.catalogue):
        yield Finding("balance", "the catalogue holds no product", spoils=True)
    yield from data.main.problems(data.catalogue)


def _table(catalogue: Dataset) -> dict[str, pa.Array]:
    """Return all columns except pixels as one table, with one chunk per column."""
    names = [n for n in catalogue.column_names if n != "image" or not has_pixels(catalogue)]
    table = catalogue.select_columns(names).with_format("arrow")[:]
    return {name: _one_piece(table[name]) for name in names}


def _one_piece(column: Any) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _is_missing(column: pa.Array) -> np.ndarray:
    empty = pc.is_null(column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        empty = pc.or_(empty, pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(False))
    elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        empty = pc.or_(empty, pc.equal(pc.list_value_length(column), 0).fill_null(False))
    return empty.to_numpy(zero_copy_only=False)


def _outlying(data: ProductData, what: str, values: np.ndarray) -> Iterable[Finding]:
    products = data.catalogue
    known = np.flatnonzero(np.isfinite(values) & (values > 0))
    if len(known) < 3:
        return
    logs = np.log(values[known])
    middle = np.median(logs)
    deviation = np.median(np.abs(logs - middle))
    if deviation == 0:
        return
    scores = 0.6745 * (logs - middle) / deviation
    far = np.flatnonzero(np.abs(scores) > OUTLYING)
    if len(far):
        far = far[np.argsort(-np.abs(scores[far]), kind="stable")]
        yield Finding(
            "outliers",
            f"{len(far):,} of {len(known):,} products have an unusual {what} (the median is "
            f"{np.median(values[known]):,g})",
            examples=[f"{values[r]:,g}: {describe(products, r)}" for r in known[far[:SHOWN]]],
        )
