"""Near-duplicate texts: MinHash proposes them, the Jaccard similarity of their shingles decides."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator

import numpy as np
from datasketch import LeanMinHash, MinHash, MinHashLSH

SHINGLE = 5
PERMUTATIONS = 126
# Least probability with which a pair just at the threshold becomes a candidate.
RECALL = 0.995


class Texts:
    """Texts of a catalogue, to be compared with each other.

    Two texts are near-duplicates if the Jaccard similarity of their shingles is at least
    ``jaccard``. Candidates come from locality-sensitive hashing of MinHash signatures (Broder, "On
    the resemblance and containment of documents", 1997; Leskovec, Rajaraman and Ullman, "Mining of
    Massive Datasets", chapter 3), whose seed is fixed; a pair at the threshold is missed with a
    probability of at most 1 - ``RECALL``, a closer one with less.

    Args:
        texts: normalised, the whole catalogue.
        rows: int64 [m], the products to compare; those without any text are left out.
        jaccard: smallest Jaccard similarity.
    """

    def __init__(self, texts: list[str], rows: np.ndarray, jaccard: float) -> None:
        self.texts, self.jaccard = texts, jaccard
        self.rows = np.array([row for row in rows if texts[row]], np.int64)
        contents = ([part.encode() for part in shingles(texts[row])] for row in self.rows)
        signatures = MinHash.generator(contents, num_perm=PERMUTATIONS, seed=1)
        self._signatures = {
            row: LeanMinHash(signature)
            for row, signature in zip(self.rows, signatures, strict=True)
        }

    def digests(self) -> list[str]:
        """Equal for two of ``rows`` that have the same normalised text, and for no others."""
        return [hashlib.sha256(self.texts[row].encode()).hexdigest() for row in self.rows]

    def near(
        self, later: np.ndarray, earlier: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The near-duplicate pairs of two sets of rows.

        Args:
            later, earlier: int64 [a] and [b], rows of the catalogue.

        Yields:
            for each of ``later``: places in ``later`` and in ``earlier`` (int64 [p] each) and the
            Jaccard similarities, float64 [p].
        """
        index = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(self.jaccard))
        for place, row in enumerate(earlier):
            index.insert(place, self._signatures[row])
        for place, row in enumerate(later):
            candidates = np.array(sorted(index.query(self._signatures[row])), np.int64)
            own = shingles(self.texts[row])
            others = (shingles(self.texts[other]) for other in earlier[candidates])
            likeness = np.array([len(own & other) / len(own | other) for other in others])
            near = likeness >= self.jaccard
            yield np.full(near.sum(), place), candidates[near], likeness[near]


def normalised(text: str) -> str:
    """The text in NFKC, case-folded, every run of white space a single blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def shingles(text: str) -> frozenset[str]:
    """All runs of ``SHINGLE`` characters; a shorter text is its own only shingle."""
    last = max(0, len(text) - SHINGLE)
    return frozenset(text[start : start + SHINGLE] for start in range(last + 1))


def _bands(jaccard: float) -> tuple[int, int]:
    """How many bands of how many hashes: the fewest candidates that keep ``RECALL``."""
    sizes = [
        size
        for size in range(1, PERMUTATIONS // 2 + 1)
        if 1 - (1 - jaccard**size) ** (PERMUTATIONS // size) >= RECALL
    ]
    size = max(sizes, default=1)
    return PERMUTATIONS // size, size
