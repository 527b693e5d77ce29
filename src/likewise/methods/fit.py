"""Fitting to all training pairs at once, without gradient descent."""

from __future__ import annotations

from typing import Any

from torch import nn

from likewise.data.module import ProductModule
from likewise.methods.base import Method
from likewise.scorer import LearnsAtOnce


class Fit(Method):
    """Lets a scorer learn everything at once, such as a matcher's trees or counts of events.

    Args:
        refit: after validation, learn again from the training and the validation split together;
            the scores of the test are those of this second model.
    """

    name = "fit"
    trains_scorer = LearnsAtOnce
    made_for = "matcher=signals or recommender=item_knn"
    trains = False
    scorer: LearnsAtOnce

    def __init__(self, *parts: Any, refit: bool = False, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.refit = refit

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Method``."""
        learned = "the training and the validation split" if self.refit else "the training split"
        return (f"What method=fit trained was tested after it had learned from {learned}.",)

    def learn(self, module: ProductModule) -> int:
        """See ``Method``."""
        return self.scorer.learn(module)

    def trained(self) -> list[nn.Module]:
        """Nothing by gradient steps."""
        return []

    def prepare_test(self, module: ProductModule) -> None:
        """See ``Method``."""
        if self.refit:
            self.scorer.learn(module, ("train", "validation"))
