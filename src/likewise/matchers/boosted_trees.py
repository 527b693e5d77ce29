"""The base class of matchers that score the signals of a pair by gradient-boosted trees."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from likewise.data.products import LabelledPairs
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.matchers.base import Matcher
from likewise.matchers.learned_text import LearnedText
from likewise.matchers.similarity import SimilarityMatcher
from likewise.matchers.trees import Trees
from likewise.scorer import LearnsAtOnce
from likewise.similarity.base import Similarity

# The value of a missing signal; all other values are at least 0.
MISSING = -1.0


class BoostedTrees(LearnedText, LearnsAtOnce, Matcher):
    """Scores a pair by trees over its signals; a subclass defines ``signals`` and ``learn``.

    Args:
        encoder: a pretrained encoder, which is not trained further. The similarity of its
            embeddings is one more signal. ``None`` leaves that signal out.
        similarity: the measure between two embeddings of the encoder.
        options: of scikit-learn's gradient-boosting model.

    Attributes:
        name: the choice of the config, for messages.
    """

    name: ClassVar[str]
    encoder_use = "optional"

    def __init__(
        self, encoder: Encoder | None, similarity: Similarity | None, **options: Any
    ) -> None:
        super().__init__(encoder.requires_grad_(False) if encoder is not None else None, similarity)
        self.options = options
        self.forest = Trees()

    def count_parameters(self) -> int:
        """See ``Matcher``: the thresholds and leaves of the trees, and the encoder's parameters."""
        forests = [module for module in self.modules() if isinstance(module, Trees)]
        return sum(forest.count_nodes() for forest in forests) + super().count_parameters()

    def grow(self, model: Any, table: np.ndarray, targets: np.ndarray) -> None:
        """Fit the trees to the signals of pairs.

        Args:
            model: scikit-learn's ``GradientBoostingClassifier`` or ``GradientBoostingRegressor``.
            table: float32 [m, signals].
            targets: labels int64 [m] of a classifier, numbers float64 [m] of a regressor.
        """
        try:
            model.fit(table, targets)
        except ValueError as error:
            # scikit-learn raises a ValueError for an option outside its range.
            raise LikewiseError(f"matcher={self.name}: {' '.join(str(error).split())}") from error
        score = getattr(model, "decision_function", model.predict)
        self.forest.take(model, table[:1], float(score(table[:1])[0]))

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``: the log-odds of a classifier, the numbers of a regressor."""
        self.eval()
        table = torch.from_numpy(self.table(pairs)).to(pairs.left.device)
        return self.forest(table).float()

    def table(self, pairs: LabelledPairs) -> np.ndarray:
        """Return all signals of the pairs, float32 [m, signals], that of the encoder last."""
        columns = [self.signals(pairs)]
        if self.encoder is not None:
            assert self.similarity is not None
            alike = SimilarityMatcher(self.encoder, self.similarity).match_pairs(pairs)
            columns.append(alike.cpu().numpy()[:, None])
        return np.nan_to_num(np.column_stack(columns), nan=MISSING).astype(np.float32)

    @property
    def names(self) -> list[str]:
        """The names of the columns of ``table``."""
        own = self.signal_names()
        return own if self.encoder is None else [*own, "similarity of embeddings"]

    @abstractmethod
    def signal_names(self) -> list[str]:
        """Return the names of the columns of ``signals``."""

    @abstractmethod
    def signals(self, pairs: LabelledPairs) -> np.ndarray:
        """Return the signals that need no encoder, float [m, signals]; NaN where one is missing."""
