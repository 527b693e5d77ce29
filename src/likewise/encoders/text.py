"""The base class of encoders of texts."""

from __future__ import annotations

from likewise.encoders.base import Encoder, TokenTable


class TextEncoder(Encoder):
    """An encoder of token ids, int32 [b, length]; ids start at 1 and rows are padded with 0.

    Args:
        embedding_size, nonnegative: see ``Encoder``.
        modality: the name of the reader that makes the tokens. With two readers, two encoders of
            one fusion can read texts in two ways.
    """

    def __init__(
        self, embedding_size: int, nonnegative: bool = False, modality: str = "text"
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        self.modality = modality

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``; an encoder with another table than ``tokens`` says which one."""
        return [TokenTable(self.modality, "tokens.weight")]
