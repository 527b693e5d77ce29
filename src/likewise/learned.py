"""Learned numbers that are saved like weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Learned(nn.Module):
    """A module whose buffers are learned, and their sizes with them."""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Buffers of a fresh module are empty; give them the sizes of those that are loaded."""
        for name in self._buffers:
            found = state_dict.get(prefix + name)
            if found is not None:
                setattr(self, name, torch.empty_like(found))
        super()._load_from_state_dict(state_dict, prefix, *rest)
