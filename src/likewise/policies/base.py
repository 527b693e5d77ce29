"""The base class of policies."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from likewise.data.contexts import Contexts
from likewise.scorer import Scorer


class Policy(Scorer, ABC):
    """A context to a probability of every product: the softmax of its logits."""

    gives = "chooses products"
    advice = "choose a policy, such as policy=uniform"

    @abstractmethod
    def logits(self, contexts: Contexts) -> Tensor:
        """Return the logits of all products, float32 [m, n]; minus infinity never shows a product.

        Args:
            contexts: on the device of the policy.
        """

    def describe(self) -> str:
        """Describe what was learned in words; an empty text if numbers say too little."""
        return ""

    def log_probabilities(self, contexts: Contexts) -> Tensor:
        """Return the logarithms of the probabilities of all products, float32 [m, n]."""
        return self.logits(contexts).log_softmax(1)
