"""Texts as sequences of subwords, by a tokeniser trained here or by that of a pretrained model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from likewise.data.modalities.texts import readable
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# A subword has at least a byte; more characters than this times the length are never needed, and
# the time a text takes is bounded.
CHARACTERS_A_SUBWORD = 32
PADDING = "[PAD]"


@dataclass(frozen=True)
class Sequences:
    """Sequences of subwords, filled up to the longest.

    Attributes:
        ids: int64 [n, length].
        mask: bool [n, length], where there is a subword; a text without any has none.
    """

    ids: Tensor
    mask: Tensor


class Subwords:
    """A subword tokeniser; one of ``train``, ``load`` and ``pretrained`` makes it.

    Args:
        tokenizer: of the library ``tokenizers``.
        length: subwords of a text that are kept.
    """

    def __init__(self, tokenizer: Tokenizer, length: int = 64) -> None:
        if length < 1:
            raise LikewiseError(f"length={length} must be at least 1")
        self.tokenizer, self.length = tokenizer, length
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(length)

    @classmethod
    def train(cls, texts: Iterable[str | None], size: int = 8000, length: int = 64) -> Subwords:
        """Byte-pair encoding of bytes, so that no character is unknown.

        Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units",
        ACL 2016.

        Args:
            texts: of training products only.
            size: subwords in all, at least 257: the bytes and the padding.
        """
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

        if size < 257:
            raise LikewiseError(f"size={size} must be at least 257, the bytes and the padding")
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[PADDING],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        read = (readable(text, CHARACTERS_A_SUBWORD * length) for text in texts)
        tokenizer.train_from_iterator(read, trainer)
        return cls(tokenizer, length)

    @classmethod
    def load(cls, path: str | Path, length: int = 64) -> Subwords:
        """What ``save`` wrote, or the ``tokenizer.json`` of a pretrained model's folder."""
        from tokenizers import Tokenizer

        file = Path(path)
        file = file / "tokenizer.json" if file.is_dir() else file
        if not file.is_file():
            raise LikewiseError(f"there is no tokeniser {file}")
        try:
            return cls(Tokenizer.from_file(str(file)), length)
        except LikewiseError:
            raise
        except Exception as error:
            # The library raises plain exceptions.
            reason = " ".join(str(error).split())
            raise LikewiseError(f"{file} holds no tokeniser ({reason})") from error

    @classmethod
    def pretrained(cls, name: str, length: int = 64) -> Subwords:
        """That of a model in a folder, or by its name on the hub."""
        if Path(name).exists():
            return cls.load(name, length)
        from tokenizers import Tokenizer

        try:
            return cls(Tokenizer.from_pretrained(name), length)
        except LikewiseError:
            raise
        except Exception as error:
            raise LikewiseError(
                f"the tokeniser of {name} is neither a folder nor to be had from the hub; name a "
                "folder that holds its tokenizer.json"
            ) from error

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        self.tokenizer.save(str(path))

    @property
    def size(self) -> int:
        """How many subwords there are; ids are below it."""
        return self.tokenizer.get_vocab_size()

    def __call__(self, texts: Sequence[str | None]) -> Sequences:
        """The subwords of texts, filled up with the padding's id (0 where there is none)."""
        most = CHARACTERS_A_SUBWORD * self.length
        found = self.tokenizer.encode_batch([readable(text, most) for text in texts])
        longest = max((len(one.ids) for one in found), default=0)
        padding = self.tokenizer.token_to_id(PADDING) or 0
        ids = torch.full((len(found), longest), padding, dtype=torch.int64)
        for row, one in enumerate(found):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
        lengths = torch.tensor([len(one.ids) for one in found], dtype=torch.int64)
        return Sequences(ids, torch.arange(longest) < lengths[:, None])
