"""Texts as sequences of subwords; the tokeniser is trained on the training products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from likewise.data.modalities.texts import COLUMNS, TextReader, pad_ids, readable
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
# Only the first characters of a text are read, this many per subword that is kept, so that the time
# per text is bounded.
CHARACTERS_PER_SUBWORD = 32


class Subwords(TextReader):
    """Reads a text by byte-level byte-pair encoding, to which no character is unknown.

    Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units",
    ACL 2016.

    Args:
        columns, markers: see ``TextReader``.
        max_vocabulary_size: maximum number of subwords that are learned; at least 256, one per
            byte. Few training texts give fewer subwords.
        max_length: maximum number of subwords per text.
    """

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        markers: bool = False,
        max_vocabulary_size: int = 8000,
        max_length: int = 64,
    ) -> None:
        super().__init__(columns, markers)
        if max_vocabulary_size < 256:
            raise LikewiseError(
                f"text.max_vocabulary_size={max_vocabulary_size} must be at least 256, one per byte"
            )
        if max_length < 1:
            raise LikewiseError(f"text.max_length={max_length} must be at least 1")
        self.max_vocabulary_size, self.max_length = max_vocabulary_size, max_length
        self.tokenizer: Tokenizer | None = None

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.train(self.texts(catalogue, rows))

    def train(self, texts: Iterable[str]) -> None:
        """Learn the subwords from texts."""
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.max_vocabulary_size,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator((self._readable(text) for text in texts), trainer)
        self.use(tokenizer)

    def use(self, tokenizer: Tokenizer) -> None:
        """Use a tokeniser of the library ``tokenizers``."""
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.max_length)
        self.tokenizer = tokenizer

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        assert self.tokenizer is not None
        self.tokenizer.save(str(folder / FILE))

    def load(self, folder: Path) -> None:
        """See ``Reader``; the folder may also be that of a pretrained model."""
        from tokenizers import Tokenizer

        file = folder / FILE
        if not file.is_file():
            raise LikewiseError(f"there is no tokeniser {file}")
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            # The library raises plain exceptions.
            reason = " ".join(str(error).split())
            raise LikewiseError(f"{file} does not hold a tokeniser ({reason})") from error
        self.use(tokenizer)

    @property
    def vocabulary_size(self) -> int:
        """See ``TextReader``."""
        assert self.tokenizer is not None
        return self.tokenizer.get_vocab_size() + 1

    def encode(self, texts: Sequence[str | None]) -> Tensor:
        """See ``TextReader``."""
        assert self.tokenizer is not None
        read = [self._readable(text) for text in texts]
        found = self.tokenizer.encode_batch_fast(read)
        # A pretrained tokeniser adds its special tokens to empty texts, which must stay empty.
        pairs = zip(found, read, strict=True)
        return pad_ids([one.ids if text.strip() else [] for one, text in pairs])

    def words_of_tokens(self, words: Sequence[str]) -> list[list[int]]:
        """See ``TextReader``; special tokens belong to no word."""
        assert self.tokenizer is not None
        found = self.tokenizer.encode(self._readable(" ".join(words)))
        ends = np.cumsum([len(word) + 1 for word in words])
        # A span may begin with the space before its word, so its last character decides.
        places = np.searchsorted(ends, [end - 1 for _, end in found.offsets], side="right")
        empty = [start == end for start, end in found.offsets]
        return [[] if no else [int(p)] for no, p in zip(empty, places, strict=True)]

    def _readable(self, text: str | None) -> str:
        return readable(text, CHARACTERS_PER_SUBWORD * self.max_length)
