"""The policy that shows every product equally often."""

from __future__ import annotations

import torch
from torch import Tensor

from likewise.data.contexts import Contexts
from likewise.policies.base import Policy


class UniformPolicy(Policy):
    """Every product with the same probability: the baseline of all policies."""

    trained_by = "none"

    def logits(self, contexts: Contexts) -> Tensor:
        """See ``Policy``."""
        return torch.zeros_like(contexts.links)
