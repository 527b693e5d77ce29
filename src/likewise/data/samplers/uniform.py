"""Every product once an epoch, in random order."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from likewise.data.relevance import Events, Groups, Pairs
from likewise.data.samplers.base import Sampler


class Uniform(Sampler):
    """Shuffles."""

    orders = (Groups, Pairs, Events)

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        return torch.randperm(len(groups), generator=generator)
