"""What a recommender is."""

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
from likewise.scorer import LearnsAtOnce

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.data.module import ProductModule


class Recommender(Learned, LearnsAtOnce, ABC):
    """What people did to a score for every product of the catalogue; larger is better.

    All that it learned is in its ``state_dict``, so that it is saved without pickling.
    """

    gives = "ranks a catalogue by what people did"
    advice = "choose a recommender, such as recommender=item_knn"
    learns_from: ClassVar[tuple[type[Relevance], ...]] = (Events, Links)

    def prepare(self, module: ProductModule) -> None:
        """See ``Scorer``: embed the catalogue, where there is an encoder."""
        if self.encoder is not None:
            self.index(self.encoder.embed(to_device(module.products, self.device)))

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        held = (*self.parameters(), *self.buffers())
        return held[0].device if held else torch.device("cpu")

    def index(self, vectors: Tensor) -> None:
        """Take the embeddings of the catalogue, float32 [n, d], where they are of use."""

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
        """Learn all at once.

        Args:
            histories: the training events.
            data: the catalogue and what else is known of it; no event of a later split may be read.
            seed: the only source of chance.
        """

    @abstractmethod
    def scores(self, histories: Histories) -> Tensor:
        """Float32 [u, n], of all n products for each person; seen products are not left out.

        A product of which nothing is known gets the least score. The caller asks for few people at
        a time, as the scores of all do not fit into memory.
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
