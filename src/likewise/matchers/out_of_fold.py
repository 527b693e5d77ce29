"""Models of pairs that score training pairs as if they were new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from likewise.matchers.learned_text import LearnedText

FOLDS = 5


class OutOfFold(LearnedText):
    """One model for each fold, fitted to all training pairs but those of its left products.

    A pair is scored by the models that did not learn from pairs of its left product: by one of them
    for a product of the training pairs, and by the mean of all for any other. So the scores of
    training pairs are like those of new ones (stacked generalisation: Wolpert, Neural Networks 5,
    1992).
    """

    def training_rows(self, left: Sequence[str], labels: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the pairs that the model of each fold learns from, bool [m], and keep the folds.

        Args:
            left: the content of the left product of each pair.
            labels: int64 [m].
        """
        keys = [_key(text) for text in left]
        folds = {key: int(key, 16) % FOLDS for key in keys}
        self.keep(folds)
        held = np.array([folds[key] for key in keys])
        for fold in range(FOLDS):
            kept = held != fold
            # Too few pairs may be all of one fold, or of one label.
            yield kept if len(np.unique(labels[kept])) == 2 else np.ones(len(held), bool)

    def choose(self, scores: np.ndarray, left: Sequence[str]) -> np.ndarray:
        """Return one score for each pair, float64 [m], of those of all models, [FOLDS, m]."""
        folds = self.kept()
        fold = np.array([folds.get(_key(text), -1) for text in left], np.int64)
        return np.where(fold < 0, scores.mean(axis=0), scores[fold, np.arange(len(fold))])


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
