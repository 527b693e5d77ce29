"""Sets of duplicate products in a catalogue, which splits can keep together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likewise.data.distinguishing import distinguishing_key
from likewise.data.image_hash import PictureDuplicates
from likewise.data.text_hash import Links, concatenated, joined, near_links, normalised
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

KINDS = ("exact text", "near text", "exact picture", "near picture")
EXAMPLES = 5
BATCH = 10_000
# The least Jaccard similarity of the texts of products whose pictures are duplicates. Pictures are
# not enough: many kinds of products share a placeholder or a photograph of several garments.
TEXT_BESIDE_PICTURE = 0.5


@dataclass(frozen=True)
class Duplicates:
    """The sets of duplicates of a catalogue.

    Attributes:
        groups: int64 [n], the number of the set of each product; sets are numbered in the order of
            their first rows, and a product without duplicates is a set by itself.
        fewer: by how much duplicates of each kind reduce the number of sets, in the order of
            ``KINDS``; the sum is the number of products minus the number of sets.
        examples: by kind, some of the pairs that joined sets: two rows and the Jaccard similarity
            of their texts.
    """

    groups: np.ndarray
    fewer: dict[str, int]
    examples: dict[str, list[tuple[int, int, float]]]

    def report(self, catalogue: Dataset) -> list[str]:
        """The counts, and examples by their ``product_id``, in sentences."""
        sets = len(self.groups) - sum(self.fewer.values())
        lines = [f"{len(self.groups)} products are {sets} sets of duplicates."]
        for kind, fewer in self.fewer.items():
            pairs = [
                f"{catalogue[one]['product_id']} and {catalogue[other]['product_id']}"
                for one, other, _ in self.examples[kind]
            ]
            shown = f", for example {'; '.join(pairs)}" if pairs else ""
            lines.append(f"Duplicates by {kind} made them {fewer} fewer{shown}.")
        return lines


@dataclass(frozen=True)
class Deduplication:
    """Finds the products that a catalogue holds more than once.

    Two products are duplicates if

    - their texts (``columns``, joined) are the same after ``normalised``, or their Jaccard
      similarity on 5-character shingles is at least ``jaccard``. Their pictures may
      differ, because every seller takes other photographs; or
    - their pictures are the same or near-duplicates (see ``PictureDuplicates``), and the Jaccard
      similarity of their texts is at least ``TEXT_BESIDE_PICTURE`` or neither has a text. (One
      picture often shows a whole range of products.) A picture of a single colour is ignored.

    Chains of such pairs form one set of duplicates. With ``keep_variants_apart``, only products
    with the same distinguishing tokens (model numbers, measures, colours, sizes; see
    ``distinguishing_tokens``) in these texts and in their attributes are joined, so that no set
    contains two variants of a product, however similar they are.

    The description is part of the text because many products share a title such as "Dress". In a
    short text every character matters: with one different character, two titles of 60 characters
    have a similarity of 0.84. If there are only titles, a threshold of 0.7 finds such pairs.

    The time to compare texts grows linearly with the products. Pictures are compared in all pairs
    that have the same distinguishing tokens (all pairs without ``keep_variants_apart``).

    Args:
        columns: the texts to compare; any of them may be absent from a catalogue.
        jaccard: least Jaccard similarity of near-duplicate texts.
        hash_distance: largest Hamming distance, of 64 bits, between the hashes of near-duplicate
            pictures.
        correlation: least correlation of their pixels.
        keep_variants_apart: never join products whose distinguishing tokens differ.
        keep: which products of a set ``distinct.without_duplicates`` keeps: ``all`` or only the
            ``first``.
    """

    columns: Sequence[str] = ("title", "description")
    jaccard: float = 0.85
    hash_distance: int = 4
    correlation: float = 0.995
    keep_variants_apart: bool = True
    keep: str = "all"

    def __post_init__(self) -> None:
        if self.keep not in ("all", "first"):
            raise LikewiseError(f'deduplication.keep={self.keep} must be "all" or "first"')
        if not 0 <= self.hash_distance <= 64:
            raise LikewiseError(
                f"deduplication.hash_distance={self.hash_distance} must be between 0 and 64 bits"
            )
        for name in ("jaccard", "correlation"):
            if not 0 < getattr(self, name) <= 1:
                raise LikewiseError(
                    f"deduplication.{name}={getattr(self, name)} must be above 0 and at most 1"
                )

    def find(self, catalogue: Dataset, images: np.ndarray | None = None) -> Duplicates:
        """The sets of duplicates.

        Args:
            catalogue: a catalogue of n products.
            images: their pictures, uint8 [n, c, h, w]; ``None`` compares texts only.

        Raises:
            LikewiseError: if there is nothing to compare, or not one picture for each product.
        """
        if images is not None and len(images) != len(catalogue):
            raise LikewiseError(
                f"there are {len(images)} pictures for {len(catalogue)} products; give one for each"
            )
        texts = _read(catalogue, self.columns, self.keep_variants_apart)
        if images is None and len(catalogue) and not texts.place.any():
            raise LikewiseError(
                f"the catalogue has no {' or '.join(self.columns)} to compare (its columns are "
                f"{', '.join(catalogue.column_names)}); set deduplication.columns to its texts"
            )
        rows = np.flatnonzero(texts.place)
        found = list(texts.links(rows, texts.keys[rows], self.jaccard))
        if images is not None:
            for rows, sets in self._picture_sets(images, texts.keys):
                exact, near = texts.links(rows, sets, TEXT_BESIDE_PICTURE)
                found.append(concatenated([exact, near]))
        return _counted(len(catalogue), dict(zip(KINDS, found, strict=False)))

    def _picture_sets(
        self, images: np.ndarray, keys: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Products whose pictures are exact duplicates of others, then also near-duplicates.

        Returns:
            twice: rows (int64 [m]) that are not alone, and the number of the set of each.
        """
        rows = np.flatnonzero(np.ptp(images, axis=(2, 3)).any(axis=1))
        pictures = PictureDuplicates(images, rows, self.hash_distance, self.correlation)
        exact = _numbers(np.unique(pictures.digests(), return_inverse=True)[1], keys[rows])
        first = np.unique(exact, return_index=True)[1]
        by_key = first[np.argsort(keys[rows[first]], kind="stable")]
        links = []
        for block in np.split(by_key, np.flatnonzero(np.diff(keys[rows[by_key]])) + 1):
            if len(block) > 1:
                for one, other, likeness in pictures.near(rows[block], rows[block]):
                    links.append((exact[block[one]], exact[block[other]], likeness))
        near = joined(len(first), links)[exact]
        several = [np.bincount(sets, minlength=1)[sets] > 1 for sets in (exact, near)]
        return [(rows[m], sets[m]) for m, sets in zip(several, (exact, near), strict=True)]


@dataclass(frozen=True)
class _CatalogueTexts:
    """The texts of n products.

    Attributes:
        distinct: the texts, each once, the empty one first.
        place: int64 [n], where in ``distinct`` a product's text is; 0 if it has none.
        keys: int64 [n], a number for each set of distinguishing tokens; 0 where all may be joined.
    """

    distinct: list[str]
    place: np.ndarray
    keys: np.ndarray

    def links(self, rows: np.ndarray, keys: np.ndarray, jaccard: float) -> tuple[Links, Links]:
        """Links between rows with the same text, and between rows with near-duplicate texts.

        Args:
            rows: int64 [m], the products to compare.
            keys: int64 [m]; only products of the same key are joined.
        """
        _, first, inverse = np.unique(
            _numbers(self.place[rows], keys), return_index=True, return_inverse=True
        )
        one, other = rows[first][inverse], rows
        again = one != other
        exact = one[again], other[again], np.ones(again.sum())
        texts = [self.distinct[place] for place in self.place[rows[first]]]
        near = near_links(texts, jaccard, keys[first])
        return exact, (rows[first][near[0]], rows[first][near[1]], near[2])


def _read(catalogue: Dataset, columns: Sequence[str], keep_variants_apart: bool) -> _CatalogueTexts:
    count = len(catalogue)
    numbers = {"": 0}
    place, keys = np.zeros(count, np.int64), np.zeros(count, np.uint64)
    named = [name for name in columns if name in catalogue.column_names]
    read = [*named, *({"attributes"} & set(catalogue.column_names))]
    batches = catalogue.select_columns(read).with_format("arrow").iter(BATCH) if read else []
    start = 0
    for batch in batches:
        texts = _normalised(batch, named)
        stop = start + len(texts)
        place[start:stop] = [numbers.setdefault(text, len(numbers)) for text in texts]
        if keep_variants_apart:
            described = map(" ".join, zip(texts, _attributes(batch), strict=True))
            keys[start:stop] = [distinguishing_key(text) for text in described]
        start = stop
    return _CatalogueTexts(list(numbers), place, np.unique(keys, return_inverse=True)[1])


def _normalised(batch: pa.Table, columns: Sequence[str]) -> list[str]:
    """The texts of some columns, joined by a space and ``normalised``, with one text per row."""
    parts = [batch[name].to_pylist() for name in columns]
    return [
        normalised(" ".join(values[row] or "" for values in parts)) for row in range(len(batch))
    ]


def _attributes(batch: pa.Table) -> Iterator[str]:
    """The values of the attributes of each row, joined by spaces and ``normalised``."""
    if "attributes" not in batch.column_names:
        yield from [""] * len(batch)
        return
    for attributes in batch["attributes"].to_pylist():
        values = (attribute["value"] or "" for attribute in attributes or ())
        yield normalised(" ".join(values))


def _numbers(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A number for each pair of numbers, int64 [n] from two of these, both from 0 on."""
    return np.unique(one * (other.max(initial=0) + 1) + other, return_inverse=True)[1]


def _counted(count: int, found: Mapping[str, Links]) -> Duplicates:
    """Join the ``count`` products by the links of each kind and count the sets."""
    fewer, examples = {}, {}
    links: list[Links] = []
    sets = np.arange(count)
    for kind, (one, other, likeness) in found.items():
        new = np.flatnonzero(sets[one] != sets[other])[:EXAMPLES]
        examples[kind] = list(
            zip(one[new].tolist(), other[new].tolist(), likeness[new].tolist(), strict=True)
        )
        links.append((one, other, likeness))
        before, sets = sets, joined(count, links)
        fewer[kind] = int(before.max(initial=-1) - sets.max(initial=-1))
    return Duplicates(sets, fewer, examples)
