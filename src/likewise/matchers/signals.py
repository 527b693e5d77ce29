"""Gradient-boosted trees over signals of how alike two products are."""

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

# Stands for a signal that is missing; all signals are at least 0.
MISSING = -1.0


class SignalTrees(LearnedText, LearnsAtOnce, Matcher):
    """Scores a pair by what its texts, model numbers, prices and attributes have in common.

    A strong baseline that needs seconds. It reads the catalogue itself, and learns from all pairs
    at once (``method=fit``).

    Args:
        encoder: the similarity of its embeddings is one more signal. The encoder is not trained, so
            a pretrained one is meant. ``None`` for no such signal.
        similarity: the measure between two embeddings of the encoder.
        trees, depth, learning_rate, subsample, features: of scikit-learn's
            ``GradientBoostingClassifier``; the last two are shares of the pairs and of the signals
            that a tree sees.
    """

    encoder_use = "optional"
    learns_from = (Pairs,)

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        trees: int = 200,
        depth: int = 4,
        learning_rate: float = 0.05,
        subsample: float = 0.7,
        features: float = 0.3,
    ) -> None:
        super().__init__(encoder.requires_grad_(False) if encoder is not None else None, similarity)
        self.options = {
            "n_estimators": trees,
            "max_depth": depth,
            "learning_rate": learning_rate,
            "subsample": subsample,
            "max_features": features,
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
        """Learn rare words and the trees."""
        from sklearn.ensemble import GradientBoostingClassifier

        offers = read_offers(pairs.catalogue, pairs.rows)
        self.signals.fit(offers)
        table, labels = self._table(pairs), pairs.labels.cpu().numpy()
        try:
            model = GradientBoostingClassifier(**self.options, random_state=seed)
            model.fit(table, labels)
        except ValueError as error:
            # What scikit-learn says of an option out of its range.
            raise LikewiseError(f"matcher=signals: {' '.join(str(error).split())}") from error
        self.forest.take(model, table[:1], float(model.decision_function(table[:1])[0]))
        self.keep(self.signals.to_dict())

    @torch.no_grad()
    def match_pairs(self, pairs: LabelledPairs) -> Tensor:
        """See ``Matcher``; log odds of a match."""
        self.eval()
        if not self.signals.fitted:
            self.signals = PairSignals.of(self.kept())
        table = torch.from_numpy(self._table(pairs)).to(pairs.left.device)
        return self.forest(table).float()

    def _table(self, pairs: LabelledPairs) -> np.ndarray:
        """Float32 [m, signals]."""
        left, right = pairs.left.cpu().numpy(), pairs.right.cpu().numpy()
        table = self.signals(read_offers(pairs.catalogue, pairs.rows), left, right)
        if self.encoder is not None:
            assert self.similarity is not None
            alike = SimilarityMatcher(self.encoder, self.similarity).match_pairs(pairs)
            table = np.column_stack([table, alike.cpu().numpy()])
        return np.nan_to_num(table, nan=MISSING)
