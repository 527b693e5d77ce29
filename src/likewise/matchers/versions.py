"""The similarity of two embeddings, with the encoder as it was after each step of its training."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.matchers.similarity import SimilarityMatcher
from likewise.similarity.base import Similarity


class Versions(SimilarityMatcher):
    """Scores pairs by the current encoder, and keeps a copy of it after each step.

    Args:
        encoder: any encoder.
        similarity: the measure between two embeddings.
        steps: number of steps in which products arrive.
        num_groups: number of groups of the data.

    Attributes:
        versions: the encoder after each step, never trained.
        arrival: int64 [num_groups], the step in which each group arrives; -1 if it never does.
        reads: int64 [steps], products that training read in each step, each as often as read.
    """

    gives = "compares embeddings of single products, by its encoder after each of several steps"
    advice = "choose matcher=versions and method=incremental"
    arrival: Tensor
    reads: Tensor

    def __init__(
        self, encoder: Encoder, similarity: Similarity, steps: int = 10, num_groups: int = 0
    ) -> None:
        super().__init__(encoder, similarity)
        self.trained_by = encoder.trained_by or "incremental"
        self.versions = nn.ModuleList(deepcopy(encoder) for _ in range(steps))
        self.versions.requires_grad_(False)
        self.register_buffer("arrival", torch.full((num_groups,), -1))
        self.register_buffer("reads", torch.zeros(steps, dtype=torch.int64))

    def version(self, step: int) -> Encoder:
        """Return the encoder as it was after a step."""
        found = self.versions[step]
        assert isinstance(found, Encoder)
        return found

    def keep(self, step: int, reads: int) -> None:
        """Keep the current encoder as the version of a step that read so many products."""
        self.versions[step].load_state_dict(self.encoder.state_dict())
        self.reads[step] = reads

    def train(self, mode: bool = True) -> Versions:
        """Set the mode of the current encoder; the versions stay in evaluation mode."""
        super().train(mode)
        self.versions.eval()
        return self
