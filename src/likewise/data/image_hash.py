"""Near-duplicate pictures: a perceptual hash proposes them, the pixels decide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy.fft import dct

HASH_SIZE = 8
GREY_SIZE = 32
# Pictures hashed at once (8 MB), hashes compared at once (8 MB; more no longer fit the cache) and
# floats of each side of the candidates verified at once (16 MB).
BLOCK_PICTURES = 1_000
BLOCK_HASHES = 1_000_000
BLOCK_FLOATS = 2_000_000


class PictureDuplicates:
    """Finds the near-duplicates among the pictures of a catalogue.

    Two pictures are near-duplicates if their perceptual hashes differ in at most ``hash_distance``
    of 64 bits and their pixels correlate with at least ``correlation``. The hash alone is no
    evidence: it keeps 64 signs of the coarsest structure, which all T-shirts share.

    Args:
        images: uint8 [n, c, h, w], the whole catalogue.
        rows: int64 [m], the products to compare; those without a picture (zeros) are left out.
        hash_distance: largest Hamming distance of two hashes.
        correlation: smallest Pearson correlation over all channels and pixels.
    """

    def __init__(
        self, images: np.ndarray, rows: np.ndarray, hash_distance: int, correlation: float
    ) -> None:
        self.images = images
        self.rows = rows = rows[np.array([images[row].any() for row in rows], bool)]
        self.hash_distance, self.correlation = hash_distance, correlation
        self._hashes = np.zeros(len(images), np.uint64)
        for start in range(0, len(rows), BLOCK_PICTURES):
            block = rows[start : start + BLOCK_PICTURES]
            self._hashes[block] = perceptual_hashes(images[block])

    def digests(self) -> list[str]:
        """Equal for two of ``rows`` whose pictures have the same bytes, and for no others."""
        return [hashlib.sha256(self.images[row].tobytes()).hexdigest() for row in self.rows]

    def near(
        self, later: np.ndarray, earlier: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All near-duplicate pairs of two sets of rows; the hashes are searched exhaustively.

        Args:
            later, earlier: int64 [a] and [b], rows of the catalogue.

        Yields:
            for a block of ``later``: places in ``later`` and in ``earlier`` (int64 [p] each) and
            the correlations, float64 [p].
        """
        size = max(1, BLOCK_HASHES // max(1, len(earlier)))
        hashes = self._hashes[earlier]
        for start in range(0, len(later), size):
            block = self._hashes[later[start : start + size], None]
            distance = np.bitwise_count(block ^ hashes)
            places, others = np.nonzero(distance <= self.hash_distance)
            places += start
            correlations = self._correlations(later[places], earlier[others])
            near = correlations >= self.correlation
            yield places[near], others[near], correlations[near]

    def _correlations(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        size = max(1, BLOCK_FLOATS // max(1, self.images[0].size))
        starts = range(0, len(one), size)
        blocks = [(one[start : start + size], other[start : start + size]) for start in starts]
        parts = [_correlation(self.images[a], self.images[b]) for a, b in blocks]
        return np.concatenate([np.empty(0), *parts])


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """The 64-bit DCT hashes (pHash) of uint8 pictures [n, c, h, w], as uint64 [n].

    Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010: the grey
    picture at 32×32, its 8×8 lowest DCT coefficients, for each whether it is above their median.
    Bit for bit the hash of ``imagehash.phash``, row by row from the highest bit, in half the time.
    """
    grey = np.stack([_grey(image) for image in images]).astype(np.float64)
    low = dct(dct(grey, axis=1)[:, :HASH_SIZE], axis=2)[:, :, :HASH_SIZE].reshape(len(grey), -1)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def _grey(image: np.ndarray) -> np.ndarray:
    """uint8 [32, 32] of [c, h, w]: three channels are red, green and blue, others averaged."""
    if len(image) == 3:
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).convert("L")
    else:
        picture = Image.fromarray(image.mean(axis=0).round().astype(np.uint8))
    return np.asarray(picture.resize((GREY_SIZE, GREY_SIZE), Image.Resampling.LANCZOS))


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson correlation of each picture with its partner; 0 where one has a single colour."""
    a, b = (pictures.reshape(len(pictures), -1).astype(np.float64) for pictures in (one, other))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.minimum(np.einsum("ij,ij->i", a, b) / np.where(norms > 0, norms, 1), 1)
