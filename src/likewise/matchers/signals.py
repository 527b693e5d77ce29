"""Gradient-boosted trees over hand-made similarity signals of two products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.pair_context import PairContext
from likewise.data.pair_signals import PairSignals, read_offers
from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.encoders.base import Encoder
from likewise.matchers.boosted_trees import BoostedTrees
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from likewise.data.module import ProductModule


class SignalTrees(BoostedTrees):
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
        context: also read the place of the pair in the catalogue, see ``PairContext``. A score then
            depends on the other products of the catalogue, of all splits; no label of them is read.
    """

    name = "signals"
    learns_from = (Pairs,)
    idf: Tensor

    def __init__(
        self,
        encoder: Encoder | None = None,
        similarity: Similarity | None = None,
        n_estimators: int = 200,
        max_depth: int = 4,
        learning_rate: float = 0.05,
        subsample: float = 0.7,
        max_features: float = 0.3,
        context: bool = False,
    ) -> None:
        super().__init__(
            encoder,
            similarity,
            n_estimators=n_estimators,
            max_depth=max_depth,
            learning_rate=learning_rate,
            subsample=subsample,
            max_features=max_features,
        )
        self.pair_signals = PairSignals()
        self.context = PairContext() if context else None
        if context:
            self.register_buffer("idf", torch.empty(0, dtype=torch.float64))

    @property
    def reads_the_pair_alone(self) -> bool:
        """See ``Matcher``."""
        return self.context is None

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``Scorer``."""
        if self.context is None:
            return ()
        return (
            "With matcher.context=true a pair is scored by its place among all products of the "
            "catalogue, which is read without labels, the products of validation and test among "
            "them; published models score each pair alone.",
        )

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

        self.pair_signals.fit(read_offers(pairs.catalogue, pairs.rows))
        self.keep(self.pair_signals.to_dict())
        if self.context is not None:
            self.context.fit(pairs.catalogue)
            self.idf = torch.from_numpy(self.context.idf)
        model = GradientBoostingClassifier(**self.options, random_state=seed)
        self.grow(model, self.table(pairs), pairs.labels.cpu().numpy())

    def signal_names(self) -> list[str]:
        """See ``BoostedTrees``."""
        own = self._fitted().names
        return own if self.context is None else [*own, *self.context.names]

    def _fitted(self) -> PairSignals:
        """The signals with what they have learned."""
        if not self.pair_signals.fitted:
            self.pair_signals = PairSignals.of(self.kept())
        return self.pair_signals

    def signals(self, pairs: LabelledPairs) -> np.ndarray:
        """See ``BoostedTrees``."""
        left, right = pairs.left.cpu().numpy(), pairs.right.cpu().numpy()
        own = self._fitted()(read_offers(pairs.catalogue, pairs.rows), left, right)
        if self.context is None:
            return own
        self.context.idf = self.idf.cpu().numpy()
        places = self.context(pairs.catalogue, pairs.rows[left], pairs.rows[right])
        return np.column_stack([own, places])
