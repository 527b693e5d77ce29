"""Texts as sets of hashed character n-grams, which need no fitting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sklearn.utils import murmurhash3_32
from torch import Tensor

from likewise.data.modalities.hashed import HashedText
from likewise.data.modalities.texts import COLUMNS, pad_ids, readable
from likewise.data.text_hash import normalised
from likewise.data.tokens import tokens

# A text has at least one n-gram for every four characters.
CHARACTERS_PER_NGRAM = 4


class HashedNgrams(HashedText):
    """Reads the distinct character n-grams of a text, in their order, as hashed ids.

    The hash is MurmurHash3, which is the same on every machine. A space is added before and after
    each token, so that n-grams at its beginning and end differ from those inside (as in fastText,
    Bojanowski et al. 2017). The whole token comes before its n-grams. This reader is meant for
    encoders that ignore the order of tokens, such as ``encoder=bag``.

    Args:
        columns: see ``TextReader``.
        min_n, max_n: smallest and largest number of characters of an n-gram.
        hash_bits: the ids are 1 to 2 ** hash_bits.
        max_length: maximum number of n-grams per text; the first ones are kept.
    """

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        min_n: int = 3,
        max_n: int = 5,
        hash_bits: int = 16,
        max_length: int = 512,
    ) -> None:
        super().__init__(columns, min_n, max_n, hash_bits, max_length)

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """See ``TextReader``."""
        max_characters = CHARACTERS_PER_NGRAM * self.max_length
        return pad_ids([self._ids(readable(text, max_characters)) for text in texts])

    def _ids(self, text: str) -> list[int]:
        hashed = (
            murmurhash3_32(gram, positive=True) % 2**self.hash_bits for gram in self.grams(text)
        )
        return list(islice(dict.fromkeys(hashed), self.max_length))

    def grams(self, text: str) -> Iterator[str]:
        """Yield each token, followed by its n-grams."""
        for token in tokens(normalised(text)):
            padded = f" {token} "
            yield padded
            for size in range(self.min_n, min(self.max_n, len(padded) - 1) + 1):
                for start in range(len(padded) - size + 1):
                    yield padded[start : start + size]
