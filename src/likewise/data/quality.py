"""What is wrong with a catalogue, and which of it would spoil a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from likewise.data.catalogue import SPLITS, ProductData
from likewise.data.duplicates import Contents, Split, duplicates, identities
from likewise.data.image_hash import Pictures
from likewise.data.images import has_pixels, image_array
from likewise.data.leaks import CORRELATION, HASH_DISTANCE, JACCARD, find_leaks, texts_of
from likewise.data.pair_leaks import content_numbers, pair_leaks
from likewise.data.telling import untellable_groups, untellable_pairs
from likewise.data.text_hash import Texts

if TYPE_CHECKING:
    from datasets import Dataset

SHOWN = 5
# Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993: the modified z-score above which
# a value is one.
OUTLYING = 3.5
# What products can be told apart by, and the share without any of it above which a study would be
# about the gaps.
CONTENTS = ("title", "description", "attributes", "image", "reviews")
MOSTLY_MISSING = 0.5
# Near-duplicates of a test product in training that no longer are an accident.
TOLERATED_LEAKS = 0.01


@dataclass(frozen=True)
class Finding:
    """Something worth knowing before a study.

    Attributes:
        kind: missing values, duplicates, outliers, label conflicts, leaks or balance.
        sentence: what was found, with its count.
        spoils: whether a study on these data would mislead.
        examples: texts that show it.
        rows: products that show it, a list of rows of the catalogue an example; for pictures.
    """

    kind: str
    sentence: str
    spoils: bool = False
    examples: list[str] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)


def find_problems(data: ProductData) -> list[Finding]:
    """Everything the checks find, a kind at a time.

    A study is spoilt by: an empty split or one where nothing can be found, a label that is
    contradicted, an exact duplicate or more than 1 % near-duplicates of test products in training,
    test pairs or queries that are trained on, and products that mostly have no content at all.
    """
    checks: tuple[Callable[[ProductData], Iterable[Finding]], ...] = (
        missing_values,
        same_products,
        outliers,
        label_conflicts,
        leaks,
        balance,
    )
    return [finding for check in checks for finding in check(data)]


def missing_values(data: ProductData) -> Iterable[Finding]:
    """Columns with products that have no value, or an empty one; products without any content."""
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
                [describe(data, row) for row in rows[:SHOWN]],
            )


def same_products(data: ProductData) -> Iterable[Finding]:
    """Products with the same, or nearly the same, picture or text as another."""
    everything = np.arange(len(data.catalogue))
    for modality, contents in _contents(data).items():
        whole = Split(everything, identities(contents, len(everything)))
        repeats = len(whole.rows) - len(whole.ids)
        if repeats:
            counts = np.bincount(whole.inverse)
            most = np.argsort(-counts, kind="stable")[:SHOWN]
            sets = [whole.rows[whole.inverse == place] for place in most if counts[place] > 1]
            yield Finding(
                "duplicates",
                f"{repeats:,} of {len(whole.rows):,} products repeat the {modality} of another; "
                f"the most frequent is there {counts.max():,} times",
                examples=[f"{len(rows)} × {describe(data, rows[0])}" for rows in sets],
                rows=[rows[:4].tolist() for rows in sets] if modality == "image" else [],
            )
        near = [found for found in duplicates(contents, whole, whole) if found[2] == "near"]
        if near:
            alike = sorted(near, key=lambda found: (-found[3], found[0]))
            shown = {tuple(sorted(found[:2])): found[3] for found in alike}
            some = list(shown.items())[:SHOWN]
            yield Finding(
                "duplicates",
                f"{len({found[0] for found in near}):,} products have nearly the {modality} of "
                "another",
                examples=[
                    f"{likeness:.2f}: {describe(data, one)} / {describe(data, other)}"
                    for (one, other), likeness in some
                ],
                rows=[list(pair) for pair, _ in some] if modality == "image" else [],
            )


def outliers(data: ProductData) -> Iterable[Finding]:
    """Prices and lengths of texts far from the others, on a logarithmic scale.

    By the modified z-score, from the median and the median absolute deviation (Iglewicz and
    Hoaglin, 1993); a price of zero or less is an outlier of its own.
    """
    table = _table(data.catalogue)
    if "price" in table:
        prices = table["price"].to_numpy(zero_copy_only=False).astype(np.float64)
        wrong = np.flatnonzero(prices <= 0)
        if len(wrong):
            examples = [f"{prices[row]:g}: {describe(data, row)}" for row in wrong[:SHOWN]]
            sentence = f"{len(wrong):,} products have a price of zero or less"
            yield Finding("outliers", sentence, examples=examples)
        yield from _outlying(data, "price", prices)
    for name in ("title", "description"):
        if name in table:
            lengths = pc.utf8_length(table[name]).fill_null(0)
            yield from _outlying(data, f"length of {name}", lengths.to_numpy().astype(np.float64))


def label_conflicts(data: ProductData) -> Iterable[Finding]:
    """Pairs labelled both ways, and equal products that stand in different groups."""
    if data.pairs is not None:
        found = pair_leaks(data.pairs, content_numbers(data.catalogue))
        if found.conflicting:
            sentence = (
                f"{found.conflicting:,} pairs are labelled a match once and none another time"
            )
            yield Finding("label conflicts", sentence, spoils=True)
        # Groups of a source of pairs are made from the pairs.
        return
    known = np.flatnonzero(data.groups >= 0)
    for modality, contents in _contents(data).items():
        equal = Split(known, identities(contents, len(data.groups)))
        first_groups = data.groups[equal.firsts][equal.inverse]
        differ = np.flatnonzero(data.groups[equal.rows] != first_groups)
        if len(differ):
            pairs = [[equal.firsts[equal.inverse[place]], equal.rows[place]] for place in differ]
            # The same title may well be of two products; the same photograph is of one.
            yield Finding(
                "label conflicts",
                f"{len(differ):,} products have the {modality} of a product in another group",
                modality == "image",
                [
                    f"{describe(data, other)}: {_group(data, one)} / {_group(data, other)}"
                    for one, other in pairs[:SHOWN]
                ],
                [[int(one), int(other)] for one, other in pairs[:SHOWN]]
                if modality == "image"
                else [],
            )


def leaks(data: ProductData) -> Iterable[Finding]:
    """What stands in two splits: products, pairs or queries."""
    if data.pairs is not None:
        found = pair_leaks(data.pairs, content_numbers(data.catalogue))
        if found.shared:
            yield Finding("leaks", f"{found.shared:,} pairs stand in more than one split")
        for (earlier, later), count in found.pairs.items():
            if count:
                total = len(data.pairs.splits[later])
                yield Finding(
                    "leaks",
                    f"{count:,} distinct pairs of {later} ({total:,} in all) are in {earlier} too",
                    spoils=later == "test",
                )
        # Offers are in several splits by design; only the pairs are kept apart.
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
                    f"{describe(data, leak.row)} / {describe(data, leak.counterpart)}"
                    for leak in shown
                ],
                [[leak.row, leak.counterpart] for leak in shown if leak.modality == "image"],
            )
    if data.judgements is not None:
        asked = {
            name: set(data.judgements.query[rows]) for name, rows in data.judgements.splits.items()
        }
        both = asked["train"] & asked["test"]
        if both:
            sentence = f"{len(both):,} queries of test stand in train too"
            yield Finding("leaks", sentence, spoils=True)


def balance(data: ProductData) -> Iterable[Finding]:
    """How many products each group has in each split, and splits where nothing can be found."""
    if not len(data.catalogue):
        yield Finding("balance", "the catalogue holds no product", spoils=True)
    if data.pairs is not None:
        for sentence in untellable_pairs(data.pairs).values():
            yield Finding("balance", sentence, spoils=True)
        return
    if not (data.groups >= 0).any():
        if data.judgements is None and data.behaviour is None and len(data.catalogue):
            sentence = "which products are alike is unknown: none has a group, and there is no pair"
            yield Finding("balance", sentence, spoils=True)
        return
    lacking = untellable_groups({name: data.splits[name] for name in SPLITS}, data.groups)
    for name in SPLITS:
        if name in lacking:
            yield Finding("balance", lacking[name], spoils=True)
            continue
        groups = data.groups[data.splits[name]]
        kinds, counts = np.unique(groups[groups >= 0], return_counts=True)
        alone = int((counts == 1).sum())
        order = np.argsort(counts, kind="stable")
        largest, smallest = kinds[order[-1]], kinds[order[0]]
        yield Finding(
            "balance",
            f"{name}: {len(kinds):,} groups of {counts.min():,} to {counts.max():,} products "
            f"(median {np.median(counts):g})"
            + (f"; {alone:,} products are alone in theirs and can find nothing" if alone else ""),
            examples=[
                f"largest: {data.group_names[largest]} ({counts.max():,})",
                f"smallest: {data.group_names[smallest]} ({counts.min():,})",
            ],
        )


def describe(data: ProductData, row: int) -> str:
    """A product in a few words: its id and the text there is of it."""
    product = data.catalogue.select_columns(
        [
            n
            for n in ("product_id", "title", "description", "category")
            if n in data.catalogue.features
        ]
    )[int(row)]
    identity = product.pop("product_id")
    text = next((value for value in product.values() if value), "")
    return f"{identity} {' '.join(text.split())[:80]}".strip()


def _group(data: ProductData, row: int) -> str:
    return data.group_names[data.groups[row]]


def _contents(data: ProductData) -> dict[str, Contents]:
    """What products can be compared by."""
    rows = np.arange(len(data.catalogue))
    found: dict[str, Contents] = {}
    if has_pixels(data.catalogue) and len(rows):
        found["image"] = Pictures(image_array(data.catalogue), rows, HASH_DISTANCE, CORRELATION)
    texts = texts_of(data.catalogue)
    if texts is not None and len(rows):
        found["text"] = Texts(texts, rows, JACCARD)
    return found


def _table(catalogue: Dataset) -> dict[str, pa.Array]:
    """The columns but the pixels, each in one piece."""
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
            examples=[f"{values[r]:,g}: {describe(data, r)}" for r in known[far[:SHOWN]]],
        )
