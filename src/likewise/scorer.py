"""What a run trains and a task judges: a matcher of pairs, a recommender or a policy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import nn

from likewise.encoders.base import Encoder
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.data.module import ProductModule
    from likewise.data.relevance import Relevance


class Scorer(nn.Module):
    """Gives scores, of pairs or of whole catalogues, by an encoder or without one.

    Args:
        encoder: the encoder of the run, or ``None`` with ``encoder=none``.
        similarity: the measure between two embeddings; a scorer may do without it.

    Attributes:
        encoder_use: whether the scorer needs an encoder, takes one if there is one, or has no use
            for one.
        modalities: what it reads itself, beside the modalities of its encoder.
        trained_by: the name of the one method that can train it; ``None`` for any method.
        uninitialised: options that make the same scorer without reading its initial weights.
        gives: what it does, a verb with its object for sentences.
        advice: how to choose one of its kind.
    """

    encoder_use: ClassVar[Literal["required", "optional", "none"]] = "none"
    modalities: ClassVar[tuple[str, ...]] = ()
    trained_by: str | None = None
    uninitialised: ClassVar[Mapping[str, Any]] = {}
    gives: ClassVar[str] = "gives scores"
    advice: ClassVar[str] = "choose another scorer"

    def __init__(
        self, encoder: Encoder | None = None, similarity: Similarity | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.similarity = encoder, similarity

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """What it needs and the data do not have, for sentences; ``None`` if it can be used."""
        return None

    def count_parameters(self) -> int:
        """How many learned numbers a score needs."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what its scores depend on, which stand below every table."""
        return ()

    def prepare(self, module: ProductModule) -> None:
        """Look at the catalogue before anything is scored, where that is needed."""


class LearnsAtOnce(Scorer):
    """A scorer that ``method=fit`` trains, without gradient steps.

    Attributes:
        learns_from: the kinds of relevance that it can learn from, of which the data need one.
    """

    trained_by = "fit"
    learns_from: ClassVar[tuple[type[Relevance], ...]] = ()

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """See ``Scorer``."""
        found = any(data.has(kind) for kind in cls.learns_from)
        return None if found else " or ".join(kind.kind for kind in cls.learns_from)

    @abstractmethod
    def learn(self, module: ProductModule, splits: Sequence[str] = ("train",)) -> int:
        """Learn everything; returns how many products were read, each as often as it was read.

        Args:
            splits: whose relevance is learned from.
        """
