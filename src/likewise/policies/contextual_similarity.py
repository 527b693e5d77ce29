"""A similarity policy whose weights depend on the context."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from likewise.data.contexts import FEATURES, Contexts
from likewise.policies.similarity import SimilarityPolicy


class ContextualSimilarityPolicy(SimilarityPolicy):
    """``SimilarityPolicy`` with the weights w + A x in a context with the features x.

    A starts at 0, as a policy without contexts.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.of_context = nn.Linear(FEATURES, len(self.signals), bias=False)
        nn.init.zeros_(self.of_context.weight)

    def context_weights(self, contexts: Contexts) -> Tensor:
        """See ``SimilarityPolicy``."""
        return self.weights + self.of_context(contexts.features)

    def describe(self) -> str:
        """See ``Policy``: weights depend on the context, so no numbers are given."""
        return ""
