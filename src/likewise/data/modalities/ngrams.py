"""Texts as sets of hashed character n-grams: nothing to fit, nothing to save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sklearn.utils import murmurhash3_32
from torch import Tensor

from likewise.data.modalities.hashed import HashedText
from likewise.data.modalities.texts import COLUMNS, fill_up, readable
from likewise.data.text_hash import normalised
from likewise.data.tokens import tokens

# No text has fewer n-grams than characters by more than this.
CHARACTERS_AN_NGRAM = 4


class HashedNgrams(HashedText):
    """The different character n-grams of a text in their order, hashed to a fixed number of ids.

    The hash is MurmurHash3, the same on every machine. A token stands between blanks, so that its
    beginning and end are n-grams of their own (as in fastText, Bojanowski et al. 2017); a token as
    a whole comes first. For encoders that read a bag.

    Args:
        smallest, largest: characters of an n-gram.
        bits: ids are 1 … 2 ** bits.
        length: n-grams of a text that are kept.
    """

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        smallest: int = 3,
        largest: int = 5,
        bits: int = 16,
        length: int = 512,
    ) -> None:
        super().__init__(columns, smallest, largest, bits, length)

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """See ``TextReader``."""
        most = CHARACTERS_AN_NGRAM * self.length
        return fill_up([self._ids(readable(text, most)) for text in texts])

    def _ids(self, text: str) -> list[int]:
        hashed = (murmurhash3_32(gram, positive=True) % 2**self.bits for gram in self.grams(text))
        return list(islice(dict.fromkeys(hashed), self.length))

    def grams(self, text: str) -> Iterator[str]:
        """Each token, followed by its n-grams."""
        for token in tokens(normalised(text)):
            padded = f" {token} "
            yield padded
            for size in range(self.smallest, min(self.largest, len(padded) - 1) + 1):
                for start in range(len(padded) - size + 1):
                    yield padded[start : start + size]
