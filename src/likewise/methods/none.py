"""No training: the encoder and the scorer as they come."""

from __future__ import annotations

from torch import nn

from likewise.matchers.base import Matcher
from likewise.methods.base import Method


class Untrained(Method):
    """Leaves what is pretrained, or has no parameters, as it is."""

    name = "none"
    trains = False
    trains_scorer = Matcher

    def trained(self) -> list[nn.Module]:
        """Nothing."""
        return []
