"""Near-duplicate texts: MinHash proposes them, the Jaccard similarity of their shingles decides.

Two texts are near-duplicates if the Jaccard similarity of their shingles, all runs of ``SHINGLE``
characters, is at least a threshold. MinHash (Broder, "On the resemblance and containment of
documents", 1997) gives two texts the same smallest hash with just that probability; bands of such
hashes (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3) propose pairs, and
every proposed pair is compared exactly. All seeds are fixed, and whether a pair is proposed depends
on its two texts alone.

All functions work on blocks of texts as arrays of code points; one 64-bit key per band is kept of
each text.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

SHINGLE = 5
PERMUTATIONS = 126
# The least probability that a pair exactly at the threshold becomes a candidate.
RECALL = 0.995
# Characters hashed at once (0.5 MB per array, so that the permutations stay in the cache),
# characters compared at once (40 MB) and candidate pairs held at once (30 MB).
BLOCK_HASHED = 65_536
BLOCK_COMPARED = 1_000_000
BLOCK_PAIRS = 200_000

# Fills a text shorter than a shingle; no code point is as large.
FILLER = 0x110000
BASE = np.uint64(0x9E3779B97F4A7C15)

# Places on either side, int64 [p] each, and their Jaccard similarities, float64 [p].
Links = tuple[np.ndarray, np.ndarray, np.ndarray]


class TextDuplicates:
    """Finds the near-duplicates among the texts of a catalogue.

    The probability of missing a pair at the threshold is at most 1 - ``RECALL``, and smaller for
    more similar pairs.

    Args:
        texts: normalised, the whole catalogue.
        rows: int64 [m], the products to compare; those without any text are left out.
        jaccard: smallest Jaccard similarity.
    """

    def __init__(self, texts: Sequence[str], rows: np.ndarray, jaccard: float) -> None:
        self.texts, self.jaccard = texts, jaccard
        self.rows = np.array([row for row in rows if texts[row]], np.int64)
        self._places = np.full(len(texts), -1)
        self._places[self.rows] = np.arange(len(self.rows))
        self._keys = band_keys([texts[row] for row in self.rows], jaccard)

    def digests(self) -> list[str]:
        """Equal for two of ``rows`` that have the same normalised text, and for no others."""
        return [hashlib.sha256(self.texts[row].encode()).hexdigest() for row in self.rows]

    def near(self, later: np.ndarray, earlier: np.ndarray) -> Iterator[Links]:
        """The near-duplicate pairs of two sets of rows, each once.

        Args:
            later, earlier: int64 [a] and [b], rows of the catalogue.

        Yields:
            for a block of candidates: places in ``later`` and in ``earlier`` (int64 [p] each) and
            the Jaccard similarities, float64 [p].
        """
        of_later, of_earlier = (self._keys[:, self._places[rows]] for rows in (later, earlier))
        for band in range(len(self._keys)):
            order = np.argsort(of_earlier[band], kind="stable")
            ranked = of_earlier[band, order]
            first = np.searchsorted(ranked, of_later[band])
            last = np.searchsorted(ranked, of_later[band], side="right")
            for places, positions in _ranges(first, last):
                others = order[positions]
                new = (of_later[:band, places] != of_earlier[:band, others]).all(axis=0)
                places, others = places[new], others[new]
                likeness = similarities(self.texts, later[places], earlier[others])
                near = likeness >= self.jaccard
                yield places[near], others[near], likeness[near]


def near_links(texts: Sequence[str], jaccard: float, keys: np.ndarray) -> Links:
    """Find enough near-duplicate pairs to connect all texts that such pairs connect.

    Not all pairs are found: texts that are already connected are not compared again, so that
    thousands of similar texts cost little more than as many different ones.

    Args:
        texts: n, normalised and distinct among those of one key; others cost a comparison each.
        jaccard: smallest Jaccard similarity.
        keys: int64 [n]; only texts of the same key are ever compared.

    Returns:
        places in ``texts`` (int64 [p] each) and the Jaccard similarities, float64 [p].
    """
    bands = band_keys(texts, jaccard)
    # Texts of different keys get different buckets; collisions of keys are handled below.
    bands ^= _mixed(keys.astype(np.uint64) + BASE)
    links: list[Links] = []
    sets = np.arange(len(texts))
    for band in range(len(bands)):
        for pairs in (_with_first, _across_sets):
            for one, other in pairs(bands[band], sets):
                new = (keys[one] == keys[other]) & (sets[one] != sets[other])
                new &= (bands[:band, one] != bands[:band, other]).all(axis=0)
                one, other = one[new], other[new]
                likeness = similarities(texts, one, other)
                near = likeness >= jaccard
                links.append((one[near], other[near], likeness[near]))
            sets = joined(len(texts), links)
    return concatenated(links)


def concatenated(links: Sequence[Links]) -> Links:
    """All links as one."""
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    one, other, likeness = (np.concatenate(parts) for parts in zip(nothing, *links, strict=False))
    return one, other, likeness


def joined(count: int, links: Sequence[Links]) -> np.ndarray:
    """A number for each set of places that ``links`` join, int64 [count], by its first place."""
    one, other, _ = concatenated(links)
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def similarities(texts: Sequence[str], one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The Jaccard similarities of the shingles of pairs of texts, float64 [p].

    Shingles are told apart by 64-bit hashes; to the last bit they are those of ``shingles``.

    Args:
        one, other: int64 [p], places in ``texts``.
    """
    sizes = np.array(
        [len(texts[a]) + len(texts[b]) for a, b in zip(one, other, strict=True)], np.int64
    )
    found = [np.empty(0)]
    for block in _blocks(sizes, BLOCK_COMPARED):
        places, inverse = np.unique([one[block], other[block]], return_inverse=True)
        hashes, starts = shingle_hashes([texts[place] for place in places])
        names, columns = np.unique(hashes, return_inverse=True)
        counts = csr_array(
            (np.ones(len(hashes), np.int32), columns, np.append(starts, len(hashes))),
            shape=(len(places), len(names)),
        )
        counts.sum_duplicates()
        counts.data[:] = 1
        a, b = inverse.reshape(2, -1)
        size = np.diff(counts.indptr)
        both = counts[a].multiply(counts[b]).sum(axis=1)
        found.append(both / (size[a] + size[b] - both))
    return np.concatenate(found)


def band_keys(texts: Sequence[str], jaccard: float) -> np.ndarray:
    """uint64 [bands, n]: texts of a Jaccard similarity of ``jaccard`` share a key of some band."""
    bands, size = _bands(jaccard)
    # Affine permutations of the 64-bit numbers: odd factors, any summands.
    draws = np.random.default_rng(1).integers(2**64, size=(bands, size, 2), dtype=np.uint64)
    draws[:, :, 0] |= np.uint64(1)
    keys = np.zeros((bands, len(texts)), np.uint64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for block in _blocks(lengths, BLOCK_HASHED):
        hashes, starts = shingle_hashes(texts[block])
        permuted = np.empty_like(hashes)
        for band in range(bands):
            for factor, summand in draws[band]:
                np.multiply(hashes, factor, out=permuted)
                permuted += summand
                smallest = np.minimum.reduceat(permuted, starts)
                keys[band, block] = keys[band, block] * BASE + smallest
    return keys


def shingle_hashes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """64-bit hashes of the shingles of some texts, repeated ones included.

    Returns:
        uint64 [s], text after text, and int64 [n], where each text begins; there is no text
        without a shingle.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    filled = np.maximum(lengths, SHINGLE)
    ends = np.cumsum(filled)
    # Place of each code point in its own text.
    within = np.arange(filled.sum()) - np.repeat(ends - filled, filled)
    points = np.full(len(within), FILLER, np.uint64)
    encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
    points[within < np.repeat(lengths, filled)] = np.frombuffer(encoded, "<u4")
    windows = max(0, len(points) - SHINGLE + 1)
    hashes = np.zeros(windows, np.uint64)
    for offset in range(SHINGLE):
        hashes = hashes * BASE + points[offset : offset + windows]
    # Windows that reach into the next text are none of its shingles.
    own = (within <= np.repeat(filled - SHINGLE, filled))[:windows]
    counts = filled - SHINGLE + 1
    return _mixed(hashes[own]), np.cumsum(counts) - counts


def normalised(text: str) -> str:
    """The text in NFKC, case-folded, with every run of white space replaced by one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def shingles(text: str) -> frozenset[str]:
    """All runs of ``SHINGLE`` characters; a shorter text is its own only shingle."""
    last = max(0, len(text) - SHINGLE)
    return frozenset(text[start : start + SHINGLE] for start in range(last + 1))


def _bands(jaccard: float) -> tuple[int, int]:
    """The numbers of bands and of hashes per band with the fewest candidates at ``RECALL``."""
    sizes = [
        size
        for size in range(1, PERMUTATIONS // 2 + 1)
        if 1 - (1 - jaccard**size) ** (PERMUTATIONS // size) >= RECALL
    ]
    size = max(sizes, default=1)
    return PERMUTATIONS // size, size


def _with_first(keys: np.ndarray, sets: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair each text of a bucket (of one key) with the first text of the bucket."""
    order = np.argsort(keys, kind="stable")
    start, _ = _runs(keys[order])
    rest = np.flatnonzero(start != np.arange(len(order)))
    for block in range(0, len(rest), BLOCK_PAIRS):
        part = rest[block : block + BLOCK_PAIRS]
        yield order[start[part]], order[part]


def _across_sets(keys: np.ndarray, sets: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs of a bucket (one key) whose texts are not yet in one set."""
    order = np.lexsort((sets, keys))
    _, bucket_end = _runs(keys[order])
    _, set_end = _runs(sets[order])
    for one, other in _ranges(np.minimum(set_end, bucket_end), bucket_end):
        yield order[one], order[other]


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the run of equal values around each place starts and ends, int64 [n] each."""
    ends = np.r_[values[1:] != values[:-1], len(values) > 0]
    edges = np.r_[0, np.flatnonzero(ends) + 1]
    counts = np.diff(edges)
    return np.repeat(edges[:-1], counts), np.repeat(edges[1:], counts)


def _ranges(first: np.ndarray, last: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each place i with every number from first[i] to last[i] (exclusive), in blocks."""
    counts = last - first
    for block in _blocks(counts, BLOCK_PAIRS):
        part = counts[block]
        places = np.repeat(np.arange(block.start, block.stop), part)
        steps = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
        yield places, first[places] + steps


def _blocks(sizes: np.ndarray, most: int) -> Iterator[slice]:
    """Slices of a total size of at most ``most``, or of one place that alone is larger."""
    ends = np.cumsum(sizes)
    start, done = 0, 0
    while start < len(sizes):
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield slice(start, stop)
        start, done = stop, int(ends[stop - 1])


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """uint64 numbers with every bit spread over all (the finaliser of MurmurHash3)."""
    numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return numbers ^ (numbers >> np.uint64(33))
