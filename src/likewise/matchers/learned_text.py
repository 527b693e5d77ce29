"""What a matcher has learned in words, saved among its weights."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from likewise.learned import Learned


class LearnedText(Learned):
    """Holds a JSON text as a buffer of bytes; a subclass is a scorer."""

    learned: Tensor

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.register_buffer("learned", torch.empty(0, dtype=torch.uint8))

    def keep(self, values: Any) -> None:
        """Hold what JSON can write, in place of anything before."""
        text = json.dumps(values, ensure_ascii=True).encode()
        self.learned = torch.frombuffer(bytearray(text), dtype=torch.uint8)

    def kept(self) -> Any:
        """What ``keep`` was given."""
        return json.loads(bytes(self.learned.cpu().numpy()))
