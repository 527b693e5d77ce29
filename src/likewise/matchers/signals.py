"""Gradient-boosted trees over hand-made similarity signals of two products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.pair_signals import PairSignals, read_offers
from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.matchers.base import Matcher
from likewise.matchers.learned_text import LearnedText
from likewise.matchers.similarity import SimilarityMatcher
from likewise.matchers.trees import Trees
from likewise.scorer import LearnsAtOnce
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from likewise.data.module import ProductModule

# The value of a missing signal; all other values are at least 0.
MISSING = -1.0


class SignalTrees(LearnedText, LearnsAtOnce, Matcher):
    """Scores a pair by signals of its texts, model numbers, prices and attributes.

    This is a strong baseline that trains in seconds. It reads the catalogue itself and is fitted to
    all pairs at once (``method=fit``).

    Args:
        encoder: a pretrained encoder, which is not trained further. The similarity of its
            embeddings is one more signal. ``None`` leaves that signal out.
        similarity: the measure between two embeddings of the encoder.
        n_estimators, max_depth, learning_rate, subsample, max_features: the options of
            scikit-learn's ``GradientBoostingClassifier``. ``subsample`` is the fraction of pairs
            for each tree, ``max_features`` the fraction of signals for each split.
    """

    encoder_use = "optional"
    learns_from = (Pairs,)

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        n_estimators: int = 200,
        max_depth: int = 4,
        learning_rate: float = 0.05,
        subsample: float = 0.7,
        max_features: float = 0.3,
    ) -> None:
        super().__init__(encoder.requires_grad_(False) if encoder is not None else None, similarity)
        self.options = {
            "n_estimators": n_estimators,
            "max_depth": max_depth,
            "learning_rate": learning_rate,
            "subsample": subsample,
            "max_features": max_features,
        }
        self.signals = PairSignals()
        self.forest = Trees()

    def count_parameters(self) -> int:
        """See ``Matcher``: the thresholds and leaves of the trees, and the encoder's parameters."""
        return self.forest.count_nodes() + super().count_parameters()

    def learn(self, module: ProductModule, splits: Sequence[str] = ("train",)) -> int:
        """See ``LearnsAtOnce``; from one split."""
        (split,) = splits
        module.data.get(Pairs, "matcher=signals").check_training(2)
        pairs = module.pair_split(split)
        self.fit(pairs, module.seed)
        return 2 * len(pairs.labels)

    def fit(self, pairs: LabelledPairs, seed: int) -> None:
        """Fit the word weights and the trees."""
        from sklearn.ensemble import GradientBoostingClassifier

        offers = read_offers(pairs.catalogue, pairs.rows)
        self.signals.fit(offers)
        table, labels = self._table(pairs), pairs.labels.cpu().numpy()
        try:
            model = GradientBoostingClassifier(**self.options, random_state=seed)
            model.fit(table, labels)
        except ValueError as error:
            # scikit-learn raises a ValueError for an option outside its range.
            raise LikewiseError(f"matcher=signals: {' '.join(str(error).split())}") from error
        self.forest.take(model, table[:1], float(model.decision_function(table[:1])[0]))
        self.keep(self.signals.to_dict())

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``; the scores are log-odds of a match."""
        self.eval()
        if not self.signals.fitted:
            self.signals = PairSignals.of(self.kept())
        table = torch.from_numpy(self._table(pairs)).to(pairs.left.device)
        return self.forest(table).float()

    def _table(self, pairs: LabelledPairs) -> np.ndarray:
        """The signals of all pairs, float32 [m, signals]."""
        left, right = pairs.left.cpu().numpy(), pairs.right.cpu().numpy()
        table = self.signals(read_offers(pairs.catalogue, pairs.rows), left, right)
        if self.encoder is not None:
            assert self.similarity is not None
            alike = SimilarityMatcher(self.encoder, self.similarity).match_pairs(pairs)
            table = np.column_stack([table, alike.cpu().numpy()])
        return np.nan_to_num(table, nan=MISSING)
