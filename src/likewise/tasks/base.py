"""What a task is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from likewise.data.catalogue import ProductData
from likewise.data.module import ProductModule
from likewise.data.relevance import Groups, Relevance
from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher
from likewise.metrics.specification import MetricSpecification
from likewise.similarity.base import Similarity, UnusableInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class DrawnFigure:
    """A figure, and the sentence that the report and W&B put below it."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class ExamplePair:
    """A pair of the test that is worth an explanation.

    Attributes:
        rows: of the left and of the right product in the catalogue.
        what: what it is an example of, such as ``a match that was missed``.
    """

    rows: tuple[int, int]
    what: str


@dataclass(frozen=True)
class Result:
    """How a scorer did on a split.

    Attributes:
        scores: by split and metric, such as ``test/map_at_r``.
        table: columns of equal length with one row per unit (a query, a pair, a user, a session):
            ``unit_id`` names the unit, and each metric is the mean of a column without its NaN.
        embeddings: float32 [n, d] of the split's products, where the task makes them.
        clusters: columns of the table by which its rows depend on one another, such as the group
            of a query; rows that share a value are one draw, not several. Two columns hold ids of
            one kind, such as the two products of a pair.
        specifications: what each metric says of itself, by its name without the split.
        draw: makes the figures of the test by title, which names the file; called only where
            pictures are wanted.
        examples: pairs that are explained where the run has an ``explanation``.
        notes: sentences on how it was scored, which stand below every table.
        chosen: what was chosen on the validation split, such as a threshold, by name; a finished
            run keeps it, and ``Task.restore`` takes it.
        cost: what was measured in the test, by name, such as ``update_seconds``.
    """

    scores: dict[str, float]
    table: dict[str, np.ndarray | list[np.ndarray]]
    embeddings: Tensor | None = None
    clusters: tuple[str, ...] = ()
    specifications: dict[str, MetricSpecification] = field(default_factory=dict)
    draw: Callable[[], Mapping[str, DrawnFigure]] = dict
    examples: Sequence[ExamplePair] = ()
    notes: tuple[str, ...] = ()
    chosen: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)


class Task(ABC):
    """Scores a scorer by the relevance of the products; a subclass writes ``test``.

    Args:
        metrics: by name, each a ``metric_kind``.
        similarity: compares embeddings.

    Attributes:
        metric_kind: the class of the metrics it is scored by.
        scorer_kind: the class of matchers it can score; one that compares embeddings, unless the
            task says otherwise.
        relevance: the kind of relevance it needs.
        uses_threshold: whether it takes a ``threshold``, the part chosen in that group.
        uses_explanation: the same of an ``explanation``.
        gives_examples: whether its results have pairs that an ``explanation`` can explain.
        chosen_by: the name of the score in ``validate`` that picks the best epoch; ``None`` is the
            primary metric.
    """

    metric_kind: ClassVar[type] = object
    scorer_kind: ClassVar[type] = EmbeddingMatcher
    relevance: ClassVar[type[Relevance]] = Groups
    uses_threshold: ClassVar[bool] = False
    uses_explanation: ClassVar[bool] = False
    gives_examples: ClassVar[bool] = False
    chosen_by: ClassVar[str | None] = None

    def __init__(self, metrics: Mapping[str, Any], similarity: Similarity) -> None:
        self.metrics, self.similarity = dict(metrics), similarity

    @property
    def specifications(self) -> dict[str, MetricSpecification]:
        """What each metric says of itself, by its name."""
        return {name: metric.specification for name, metric in self.metrics.items()}

    def splits(self, data: ProductData) -> Collection[str]:
        """Names of the splits that it may score: those with units of its relevance."""
        return [name for name, rows in data.get(self.relevance).splits.items() if len(rows)]

    def check(self, data: ProductData, split: str) -> None:
        """Raise ``LikewiseError`` where the data lack what ``split`` is scored by."""
        data.get(self.relevance, f"task={type(self).__module__.rpartition('.')[2]}")
        for name in dict.fromkeys(("validation", split)):
            self.check_split(data, name)

    def check_split(self, data: ProductData, name: str) -> None:
        """Raise ``LikewiseError`` where nothing can be told apart in a split."""
        lacking = data.get(self.relevance).untellable()
        if name in lacking:
            raise LikewiseError(lacking[name])

    def restore(self, chosen: Mapping[str, float]) -> None:
        """Take what a finished run of this task chose, for data without a validation split."""

    def validate(
        self, scorer: Any, module: ProductModule, device: torch.device
    ) -> dict[str, float]:
        """Each metric on the validation split; NaN where the training diverged."""
        try:
            scores = self.test(scorer, module, "validation", device).scores
        except UnusableInput:
            return dict.fromkeys(self.metrics, float("nan"))
        return {name: scores[f"validation/{name}"] for name in self.metrics}

    @abstractmethod
    def test(self, scorer: Any, module: ProductModule, split: str, device: torch.device) -> Result:
        """Each metric on ``split``, with what they were computed from.

        Args:
            scorer: of the class ``scorer_kind``; with its encoder, where it has one.
        """
