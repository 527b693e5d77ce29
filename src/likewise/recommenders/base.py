"""The base classes of recommenders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.products import to_device
from likewise.data.relevance import Events, Links, Relevance
from likewise.learned import Learned
from likewise.scorer import LearnsAtOnce, Scorer

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.data.module import ProductModule


class Recommender(Learned, Scorer, ABC):
    """Scores every product of the catalogue for the history of a person; larger is better.

    All that it learned is in its ``state_dict``, so that it is saved without pickling.

    Attributes:
        reads_order: whether the order of events in time is part of what it learns from.
        knows_new_products: whether it can recommend a product without any event.
    """

    reads_order: ClassVar[bool] = False
    knows_new_products: ClassVar[bool] = False

    gives = "ranks a catalogue by what people did"
    advice = "choose a recommender, such as recommender=item_knn"

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """See ``Scorer``."""
        if cls.reads_order and data.has(Events) and not data.get(Events).ordered:
            return "the order of events in time"
        return super().lacks(data)

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``: embed the catalogue, where there is an encoder."""
        if self.encoder is not None:
            self.index(self.encoder.embed(to_device(module.products, self.device)))

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        held = (*self.parameters(), *self.buffers())
        return held[0].device if held else torch.device("cpu")

    def index(self, vectors: Tensor) -> None:
        """Receive the embeddings of the catalogue, float32 [n, d], where they are of use."""

    @abstractmethod
    def scores(self, histories: Histories) -> Tensor:
        """Return float32 [u, n], one score of each product per person, seen products included.

        A product of which nothing is known gets the least score. The caller asks for few persons at
        a time, as the scores of all do not fit into memory.
        """


class FittedRecommender(Recommender, LearnsAtOnce):
    """A recommender that is fitted to all events at once; a subclass defines ``fit``, too."""

    learns_from: ClassVar[tuple[type[Relevance], ...]] = (Events, Links)

    def learn(self, module: ProductModule, splits: Sequence[str] = ("train",)) -> int:
        """See ``LearnsAtOnce``."""
        self.prepare(module)
        relevance = module.data.any_of(self.learns_from, "the recommender")
        rows = np.concatenate([relevance.splits[name] for name in splits])
        histories = relevance.histories(rows, relevance.persons(rows))
        self.fit(histories, module.data, module.seed)
        return len(rows)

    @abstractmethod
    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """Learn from all events at once.

        Args:
            histories: the training events.
            data: the catalogue and its relevance; events of a later split may not be read.
            seed: the only source of random numbers.
        """


def least_for(scores: Tensor, unknown: Tensor) -> Tensor:
    """The scores, in place, with the least score of each person for the products of ``unknown``.

    Args:
        scores: float32 [u, n].
        unknown: bool [n], products of which nothing was learned.
    """
    if unknown.any() and len(scores):
        scores[:, unknown] = scores.min(1, keepdim=True).values.expand(-1, int(unknown.sum()))
    return scores
