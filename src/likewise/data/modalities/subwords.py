"""Texts as sequences of subwords, by a tokeniser that is trained on the training products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from likewise.data.modalities.texts import COLUMNS, TextReader, fill_up, readable
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
# A subword has at least a byte; more characters than this times the length are never needed, and
# the time a text takes is bounded.
CHARACTERS_A_SUBWORD = 32


class Subwords(TextReader):
    """Byte-pair encoding of bytes, so that no character is unknown.

    Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units",
    ACL 2016.

    Args:
        size: subwords in all, at least 256: the bytes.
        length: subwords of a text that are kept.
    """

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        markers: bool = False,
        size: int = 8000,
        length: int = 64,
    ) -> None:
        super().__init__(columns, markers)
        if size < 256:
            raise LikewiseError(f"text.size={size} must be at least 256, the bytes")
        if length < 1:
            raise LikewiseError(f"text.length={length} must be at least 1")
        self.size, self.length = size, length
        self.tokenizer: Tokenizer | None = None

    def fit(self, catalogue: Dataset, rows: np.ndarray) -> None:
        """See ``Reader``."""
        self.train(self.texts(catalogue, rows))

    def train(self, texts: Iterable[str]) -> None:
        """Learn the subwords of texts."""
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=self.size,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator((self._readable(text) for text in texts), trainer)
        self.use(tokenizer)

    def use(self, tokenizer: Tokenizer) -> None:
        """Take a tokeniser of the library ``tokenizers``."""
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.length)
        self.tokenizer = tokenizer

    def save(self, folder: Path) -> None:
        """See ``Reader``."""
        assert self.tokenizer is not None
        self.tokenizer.save(str(folder / FILE))

    def load(self, folder: Path) -> None:
        """See ``Reader``; also the folder of a pretrained model."""
        from tokenizers import Tokenizer

        file = folder / FILE
        if not file.is_file():
            raise LikewiseError(f"there is no tokeniser {file}")
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            # The library raises plain exceptions.
            reason = " ".join(str(error).split())
            raise LikewiseError(f"{file} holds no tokeniser ({reason})") from error
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
        # A pretrained model's tokeniser marks the beginning and end of nothing, too.
        pairs = zip(found, read, strict=True)
        return fill_up([one.ids if text.strip() else [] for one, text in pairs])

    def _readable(self, text: str | None) -> str:
        return readable(text, CHARACTERS_A_SUBWORD * self.length)
