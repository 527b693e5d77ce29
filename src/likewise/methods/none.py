"""No training: the encoder and the matcher are evaluated unchanged."""

from __future__ import annotations

from torch import nn

from likewise.matchers.base import Matcher
from likewise.methods.base import Method


class Untrained(Method):
    """Trains nothing, for parts that are pretrained or have no parameters."""

    name = "none"
    trains = False
    trains_matcher = Matcher

    def trained(self) -> list[nn.Module]:
        """Return an empty list, because nothing is trained."""
        return []
