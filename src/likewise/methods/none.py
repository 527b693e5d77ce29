"""No training: the encoder as it comes."""

from __future__ import annotations

from torch import nn

from likewise.methods.base import Method


class Untrained(Method):
    """Leaves a pretrained encoder, or one without parameters, as it is."""

    name = "none"
    trains = False

    def trained(self) -> list[nn.Module]:
        """Nothing."""
        return []
