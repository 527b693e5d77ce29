"""What the readers of hashed n-grams share."""

from __future__ import annotations

from collections.abc import Sequence

from likewise.data.modalities.texts import TextReader
from likewise.errors import LikewiseError


class HashedText(TextReader):
    """A text as ids of its n-grams, hashed (Weinberger et al., "Feature Hashing for Large Scale
    Multitask Learning", ICML 2009), so that some share an id.

    Args:
        columns: see ``TextReader``.
        smallest, largest: units, such as characters, of an n-gram.
        bits: ids are 1 … 2 ** bits.
        length: n-grams of a text that are kept.

    Attributes:
        most_bits: the largest ``bits``.
    """

    most_bits = 30

    def __init__(
        self, columns: Sequence[str], smallest: int, largest: int, bits: int, length: int
    ) -> None:
        super().__init__(columns)
        if not 1 <= smallest <= largest:
            raise LikewiseError(
                f"n-grams of {smallest} to {largest} cannot be; text.smallest must be at least 1 "
                "and text.largest no smaller"
            )
        if not 1 <= bits <= self.most_bits:
            raise LikewiseError(f"text.bits={bits} must lie between 1 and {self.most_bits}")
        if length < 1:
            raise LikewiseError(f"text.length={length} must be at least 1")
        self.smallest, self.largest, self.bits, self.length = smallest, largest, bits, length

    @property
    def vocabulary_size(self) -> int:
        """See ``TextReader``."""
        return 2**self.bits + 1
