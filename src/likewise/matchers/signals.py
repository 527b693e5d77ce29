"""Gradient-boosted trees over hand-made similarity signals of two products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from likewise.data.pair_context import PairContext, in_order
from likewise.data.pair_signals import Offer, PairSignals, read_offers
from likewise.data.products import LabelledPairs
from likewise.data.relevance import Pairs
from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError
from likewise.matchers.boosted_trees import MISSING, BoostedTrees
from likewise.matchers.candidate_scores import CandidateScores, compare
from likewise.matchers.word_scores import WordScores
from likewise.similarity.base import Similarity

if TYPE_CHECKING:
    from datasets import Dataset

    from likewise.data.module import ProductModule

# What the score of a pair and those of the other candidates say, as ``_compared`` returns it.
COMPARISONS = (
    "score without comparison",
    *(
        f"{signal} among candidates from {side}"
        for side in ("first", "second")
        for signal in ("rank", "probability against the best", "share")
    ),
)


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
        candidates: with ``context``, also compare the score of the pair with the scores of so many
            other candidates of each of its products, see ``CandidateScores``; 0 for none. These
            scores come from models of other training pairs.
        words: also read how likely a match is by the words that both products have and that only
            one has, see ``WordScores``; the probability comes from models of other training pairs.
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
        candidates: int = 0,
        words: bool = False,
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
        if candidates < 0 or (candidates and not context):
            raise LikewiseError(
                f"matcher.candidates={candidates} must be at least 0, and above 0 only with "
                "matcher.context=true"
            )
        self.candidates = candidates
        self.pair_signals = PairSignals()
        self.context = PairContext() if context else None
        if context:
            self.register_buffer("idf", torch.empty(0, dtype=torch.float64))
        if candidates:
            self.candidate_scores = CandidateScores()
        self.word_scores = WordScores() if words else None

    def count_parameters(self) -> int:
        """See ``BoostedTrees``; the weights of words are counted, too."""
        words = 0 if self.word_scores is None else self.word_scores.count_weights()
        return super().count_parameters() + words

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
        labels = pairs.labels.cpu().numpy()
        left, right = _rows(pairs)
        if self.word_scores is not None:
            self.word_scores.fit(*_offers(pairs.catalogue, left, right), labels)
        if self.context is not None:
            self.context.fit(pairs.catalogue)
            self.idf = torch.from_numpy(self.context.idf)

        def make() -> GradientBoostingClassifier:
            return GradientBoostingClassifier(**self.options, random_state=seed)

        if self.context is not None and self.candidates:
            table = self._signals(pairs.catalogue, left, right)
            texts = self.context.texts(pairs.catalogue)
            self.candidate_scores.fit(make, table, labels, [texts[row] for row in left])
        self.grow(make(), self.table(pairs), labels)

    def signal_names(self) -> list[str]:
        """See ``BoostedTrees``."""
        own = self._fitted().names
        if self.word_scores is not None:
            own = [*own, "probability by words"]
        if self.context is None:
            return own
        return [*own, *self.context.names, *(COMPARISONS if self.candidates else ())]

    def _fitted(self) -> PairSignals:
        """The signals with what they have learned."""
        if not self.pair_signals.fitted:
            self.pair_signals = PairSignals.of(self.kept())
        return self.pair_signals

    def signals(self, pairs: LabelledPairs) -> np.ndarray:
        """See ``BoostedTrees``."""
        if self.context is not None:
            self.context.idf = self.idf.cpu().numpy()
        left, right = _rows(pairs)
        own = self._signals(pairs.catalogue, left, right)
        if not self.candidates:
            return own
        return np.column_stack([own, self._compared(pairs.catalogue, left, right, own)])

    def _signals(self, catalogue: Dataset, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The signals of pairs of rows of a catalogue, float32 [m, signals], without candidates."""
        pairs = _offers(catalogue, left, right)
        own = self._fitted()(*pairs)
        if self.word_scores is not None:
            own = np.column_stack([own, self.word_scores.score(*pairs)])
        if self.context is not None:
            own = np.column_stack([own, self.context(catalogue, left, right)])
        return np.nan_to_num(own, nan=MISSING).astype(np.float32)

    def _compared(
        self, catalogue: Dataset, left: np.ndarray, right: np.ndarray, own: np.ndarray
    ) -> np.ndarray:
        """Compare pairs with other pairs of their products, float64 [m, 7]."""
        assert self.context is not None
        texts, shops = self.context.texts(catalogue), self.context.shops(catalogue)
        score = self.candidate_scores.score(own, [texts[row] for row in left])
        sides = []
        for one, other, seen_from_left in ((left, right, True), (right, left, False)):
            found = self.context.candidates(catalogue, one, other, self.candidates)
            there = found >= 0
            looking = np.broadcast_to(one[:, None], found.shape)[there]
            pairs, place = np.unique(np.stack([looking, found[there]]), axis=1, return_inverse=True)
            a, b = pairs if seen_from_left else pairs[::-1]
            scores = self.candidate_scores.score(
                self._signals(catalogue, a, b), [texts[row] for row in a]
            )
            others = np.full(found.shape, np.nan)
            others[there] = scores[place.ravel()]
            sides.append(compare(score, others))
        from_left, from_right = sides
        ordered = in_order(from_left, from_right, shops[left], shops[right])
        return np.column_stack([expit(score), *ordered])


def _rows(pairs: LabelledPairs) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the catalogue of both products of each pair, int64 [m] each."""
    return pairs.rows[pairs.left.cpu().numpy()], pairs.rows[pairs.right.cpu().numpy()]


def _offers(
    catalogue: Dataset, left: np.ndarray, right: np.ndarray
) -> tuple[list[Offer], np.ndarray, np.ndarray]:
    """The products of pairs of rows of a catalogue, and the places of both of each pair in them."""
    rows, place = np.unique([left, right], return_inverse=True)
    one, other = place.reshape(2, -1)
    return read_offers(catalogue, rows), one, other
