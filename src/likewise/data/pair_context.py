"""Signals of the place that a pair has among all products of the unlabelled catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.data.catalogue import shop_numbers
from likewise.data.modalities.tfidf import Tfidf

if TYPE_CHECKING:
    from datasets import Dataset

ALL = ("title", "brand", "category", "description", "attributes")
# Columns, kind of n-gram, least and most n. Each view compares two products in one way.
VIEWS: dict[str, tuple[tuple[str, ...], Any, int, int]] = {
    "characters of all": (ALL, "char_wb", 3, 5),
    "words of all": (ALL, "word", 1, 1),
    "characters of title": (("title",), "char_wb", 3, 5),
    "words of title": (("title",), "word", 1, 1),
}
SIGNALS = (
    "similarity",
    "rank from first",
    "rank from second",
    "margin from first",
    "margin from second",
    "share from first",
    "share from second",
)
HASH_BITS = 18
# Similarities that differ only in later digits are equal.
DIGITS = 5
# Floats in one block of similarities, 32 MB.
BLOCK_ELEMENTS = 8_000_000


@dataclass(frozen=True)
class _Vectors:
    """Sparse float32 [n, d] by view, the text of each product, and ``contents`` and ``shops``.

    Numbers equal for products with the same text, and for those of one shop, int64 [n].
    """

    views: dict[str, Any]
    texts: list[str]
    contents: np.ndarray
    shops: np.ndarray


@dataclass(frozen=True)
class _Block:
    """Pairs, and how similar their first products are to all candidates of one shop.

    Attributes:
        pairs: int64 [p], places in the arrays of pairs.
        query: int64 [p], the row of ``scores`` of each pair.
        scores: float32 [q, c], the sum over views; -inf for a candidate with the query's content.
        rows: int64 [c], the candidates in the catalogue.
        position: int64 [n], the place among the candidates of each product of their shop.
    """

    pairs: np.ndarray
    query: np.ndarray
    scores: np.ndarray
    rows: np.ndarray
    position: np.ndarray


class PairContext:
    """Computes signals of pairs from the similarities to all other candidates of both sides.

    Seen from one product of a pair, the candidates are the products of the other product's shop, or
    all other products where both are of one shop. Products of one shop with the same text are one
    candidate, and within a shop a product with the text of the one that looks is none. No label is
    read. ``fit`` learns how rare n-grams are; the candidates are those of the catalogue at hand.
    """

    def __init__(self) -> None:
        self.readers = {
            name: Tfidf(columns, analyzer=analyzer, min_n=least, max_n=most, hash_bits=HASH_BITS)
            for name, (columns, analyzer, least, most) in VIEWS.items()
        }
        self._last: tuple[Dataset, _Vectors] | None = None

    @property
    def idf(self) -> np.ndarray:
        """float64 [views, 2 ** HASH_BITS], what was learned: how rare n-grams are."""
        return np.stack([reader.idf for reader in self.readers.values()])

    @idf.setter
    def idf(self, values: np.ndarray) -> None:
        if not np.array_equal(values, self.idf):
            self._last = None
        for reader, own in zip(self.readers.values(), values, strict=True):
            reader.idf = own

    @property
    def names(self) -> list[str]:
        """The names of the signals, in their order."""
        return [f"{view} {signal}" for view in VIEWS for signal in SIGNALS]

    def fit(self, catalogue: Dataset) -> None:
        """Learn how rare n-grams are in a catalogue."""
        self._last = None
        for reader in self._readable(catalogue).values():
            reader.fit(catalogue, np.arange(len(catalogue)))

    def __call__(self, catalogue: Dataset, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the signals of pairs, float32 [m, signals]; NaN where a text is empty.

        Args:
            catalogue: its column ``shop``, if there is one, tells the shops apart. Name them as
                in training, since the two shops of a pair are taken in the order of their names.
            left, right: int64 [m], rows of the catalogue.
        """
        found = np.full((len(left), len(VIEWS), len(SIGNALS)), np.nan, np.float32)
        seen = self._vectors(catalogue)
        for place, name in enumerate(VIEWS):
            if name in seen.views:
                vectors = seen.views[name]
                found[:, place] = places(vectors, seen.shops, seen.contents, left, right)
        return found.reshape(len(left), -1)

    def candidates(
        self, catalogue: Dataset, one: np.ndarray, other: np.ndarray, number: int
    ) -> np.ndarray:
        """Return the most similar candidates of ``one`` next to ``other``, int64 [m, number].

        The similarity is the sum over all views. A row has -1 where there are no more candidates.

        Args:
            one, other: int64 [m], rows of the catalogue, the two products of each pair.
            number: of candidates.
        """
        seen = self._vectors(catalogue)
        found = np.full((len(one), number), -1)
        if not seen.views:
            return found
        for block in _candidates(list(seen.views.values()), seen.shops, seen.contents, one, other):
            # The other product of the pair may be among them.
            best = np.argsort(-block.scores, axis=1, kind="stable")[:, : number + 1]
            for place, query in zip(block.pairs.tolist(), block.query.tolist(), strict=True):
                kept = best[query][np.isfinite(block.scores[query, best[query]])]
                kept = kept[kept != block.position[other[place]]][:number]
                found[place, : len(kept)] = block.rows[kept]
        return found

    def shops(self, catalogue: Dataset) -> np.ndarray:
        """Return the number of the shop of each product, int64 [n]."""
        return self._vectors(catalogue).shops

    def texts(self, catalogue: Dataset) -> list[str]:
        """Return the whole text of each product."""
        return self._vectors(catalogue).texts

    def _vectors(self, catalogue: Dataset) -> _Vectors:
        """What is compared; kept for the last catalogue, of which a run scores many pairs."""
        if self._last is None or self._last[0] is not catalogue:
            self._last = catalogue, self._read(catalogue)
        return self._last[1]

    def _read(self, catalogue: Dataset) -> _Vectors:
        from sklearn.preprocessing import normalize

        rows = np.arange(len(catalogue))
        texts = [""] * len(rows)
        views: dict[str, Any] = {}
        for name, reader in self._readable(catalogue).items():
            own = reader.texts(catalogue, rows)
            # The first view is of the whole text.
            texts = texts if views else own
            views[name] = normalize(reader.weights(own).astype(np.float32))
        return _Vectors(views, texts, _numbers(texts), shop_numbers(catalogue))

    def _readable(self, catalogue: Dataset) -> dict[str, Tfidf]:
        """The readers that find one of their columns."""
        known = set(catalogue.column_names)
        return {name: one for name, one in self.readers.items() if known & set(one.columns)}


def places(
    vectors: Any, shops: np.ndarray, contents: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """The signals of one view, float32 [m, 7]; they do not depend on the order of a pair.

    With s the similarity of the pair and b that of the best other candidate, the rank is 1 + the
    number of candidates more similar than s, the margin is 1 + s - b and the share s / (s + b),
    each seen from both products: first from that of the shop with the smaller number, or within a
    shop the smaller and the larger value. Margins and shares are NaN without another candidate.

    Args:
        vectors: sparse float32 [n, d] with rows of length 1; a row of zeros is a missing text.
        shops: int64 [n], the number of the shop of each product.
        contents: int64 [n], equal for two products with the same text.
        left, right: int64 [m], rows of ``vectors``.
    """
    there = _seen(vectors, shops, contents, left, right)
    back = _seen(vectors, shops, contents, right, left)
    sides = in_order(there, back, shops[left], shops[right])
    signals = [there[:, :1], *(side[:, [k]] for k in (1, 2, 3) for side in sides)]
    found = np.concatenate(signals, axis=1)
    known = np.diff(vectors.indptr) > 0
    found[~(known[left] & known[right])] = np.nan
    return found


def in_order(
    there: np.ndarray, back: np.ndarray, left_shop: np.ndarray, right_shop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order what the two products of each pair see, float [m, k] each, whatever is left or right.

    First comes the product of the shop with the smaller number; within a shop, first come the
    smaller and then the larger values.
    """
    swapped, within = (left_shop > right_shop)[:, None], (left_shop == right_shop)[:, None]
    first, second = np.where(swapped, back, there), np.where(swapped, there, back)
    # A missing value on either side stays one: minimum and maximum pass NaN on.
    return (
        np.where(within, np.minimum(first, second), first),
        np.where(within, np.maximum(first, second), second),
    )


def _seen(
    vectors: Any, shops: np.ndarray, contents: np.ndarray, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Similarity, rank, margin and share as the products ``one`` see them, float32 [m, 4]."""
    found = np.empty((len(one), 4), np.float32)
    for block in _candidates([vectors], shops, contents, one, other):
        similarity = block.scores[block.query, block.position[other[block.pairs]]]
        itself = np.isneginf(similarity)
        if itself.any():
            same = vectors[one[block.pairs[itself]]].multiply(vectors[other[block.pairs[itself]]])
            similarity[itself] = np.round(np.asarray(same.sum(axis=1)).ravel(), DIGITS)
        ascending = np.sort(block.scores, axis=1)
        found[block.pairs] = _compared(similarity, ascending, block.query, itself)
    return found


def _candidates(
    views: list[Any], shops: np.ndarray, contents: np.ndarray, one: np.ndarray, other: np.ndarray
) -> Iterator[_Block]:
    """Yield blocks of pairs with the similarities of ``one`` to all candidates of their shop."""
    both = np.stack([shops[one], shops[other]])
    for own, theirs in np.unique(both, axis=1).T:
        pairs = np.flatnonzero((both[0] == own) & (both[1] == theirs))
        rows = np.flatnonzero(shops == theirs)
        values, first, place = np.unique(contents[rows], return_index=True, return_inverse=True)
        position = np.zeros(len(shops), np.int64)
        position[rows] = place
        galleries = [vectors[rows[first]].T.tocsr() for vectors in views]
        for queries, some in _blocks(one[pairs], len(values)):
            # Equal similarities must stay equal whatever order they were summed in.
            scores = sum(
                np.round((vectors[queries] @ gallery).toarray(), DIGITS)
                for vectors, gallery in zip(views, galleries, strict=True)
            )
            if own == theirs:
                # A product is no candidate of its own.
                scores[np.arange(len(queries)), position[queries]] = -np.inf
            query = np.searchsorted(queries, one[pairs[some]])
            yield _Block(pairs[some], query, scores, rows[first], position)


def _blocks(products: np.ndarray, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Distinct products and the places at which they are, few enough for one block."""
    distinct, place = np.unique(products, return_inverse=True)
    order = np.argsort(place, kind="stable")
    size = max(1, BLOCK_ELEMENTS // max(1, width))
    for start in range(0, len(distinct), size):
        stop = min(start + size, len(distinct))
        first, last = np.searchsorted(place[order], [start, stop])
        yield distinct[start:stop], order[first:last]


def _compared(
    similarity: np.ndarray, ascending: np.ndarray, row: np.ndarray, itself: np.ndarray
) -> np.ndarray:
    """Similarity, rank, margin and share of pairs, float32 [m, 4].

    Args:
        similarity: float32 [m], of the pairs.
        ascending: float32 [q, n], the similarities of each query to all candidates.
        row: int64 [m], the query of each pair.
        itself: bool [m], pairs with the content of the query, which is not among the candidates.
    """
    number = ascending.shape[1]
    above = [
        number - np.searchsorted(ascending[query], value, side="right")
        for query, value in zip(row.tolist(), similarity, strict=True)
    ]
    highest = ascending[row, -1]
    second = ascending[row, -2] if number > 1 else np.full(len(row), -np.inf, np.float32)
    best = np.where((similarity == highest) & ~itself, second, highest).astype(np.float32)
    best[np.isneginf(best)] = np.nan
    either = similarity + best
    share = np.divide(similarity, either, out=np.full_like(best, np.nan), where=either > 0)
    return np.column_stack([similarity, 1 + np.array(above), 1 + similarity - best, share])


def _numbers(values: list[Any]) -> np.ndarray:
    """int64 [n]: equal for equal values."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
