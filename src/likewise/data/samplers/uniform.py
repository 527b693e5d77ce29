"""Random order of all products in each epoch."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from likewise.data.relevance import Behaviour, Events, Groups, LoggedFeedback, Pairs, Visits
from likewise.data.samplers.base import Sampler


class Uniform(Sampler):
    """Shuffles all units in each epoch."""

    orders = (Groups, Pairs, Events, Behaviour, LoggedFeedback, Visits)

    def epoch(self, groups: Tensor, generator: Generator) -> Tensor:
        """See ``Sampler``."""
        return torch.randperm(len(groups), generator=generator)
