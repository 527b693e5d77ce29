"""What encoders of texts share."""

from __future__ import annotations

from likewise.encoders.base import Encoder


class TextEncoder(Encoder):
    """An encoder of token ids, int32 [b, length] from 1 with 0 behind the last.

    Args:
        embedding_size, nonnegative: see ``Encoder``.
        modality: the name of the reader whose tokens it reads, so that two encoders of one fusion
            can read texts in two ways.
    """

    def __init__(
        self, embedding_size: int, nonnegative: bool = False, modality: str = "text"
    ) -> None:
        super().__init__(embedding_size, nonnegative)
        self.modality = modality
