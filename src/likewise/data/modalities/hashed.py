"""The base class of readers of hashed n-grams."""

from __future__ import annotations

from collections.abc import Sequence

from likewise.data.modalities.texts import TextReader
from likewise.errors import LikewiseError


class HashedText(TextReader):
    """Reads a text as hashed ids of its n-grams; two n-grams may share an id.

    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.

    Args:
        columns: see ``TextReader``.
        min_n, max_n: smallest and largest n of the n-grams.
        hash_bits: the ids are 1 to 2 ** hash_bits.
        max_length: maximum number of n-grams per text.

    Attributes:
        max_hash_bits: the largest value that ``hash_bits`` may have.
    """

    max_hash_bits = 30

    def __init__(
        self, columns: Sequence[str], min_n: int, max_n: int, hash_bits: int, max_length: int
    ) -> None:
        super().__init__(columns)
        if not 1 <= min_n <= max_n:
            raise LikewiseError(
                f"text.min_n={min_n} must be at least 1 and text.max_n={max_n} at least as large"
            )
        if not 1 <= hash_bits <= self.max_hash_bits:
            raise LikewiseError(
                f"text.hash_bits={hash_bits} must be between 1 and {self.max_hash_bits}"
            )
        if max_length < 1:
            raise LikewiseError(f"text.max_length={max_length} must be at least 1")
        self.min_n, self.max_n = min_n, max_n
        self.hash_bits, self.max_length = hash_bits, max_length

    @property
    def vocabulary_size(self) -> int:
        """See ``TextReader``."""
        return 2**self.hash_bits + 1
