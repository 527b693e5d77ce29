"""How the score of a pair compares with the scores of the other candidates of its products."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import expit, logsumexp
from torch import nn

from likewise.matchers.learned_text import LearnedText
from likewise.matchers.trees import Trees

FOLDS = 5


class CandidateScores(LearnedText):
    """Models of pairs, fitted to all training pairs but those of one fold of left products.

    A pair is scored by the models that did not learn from pairs of its left product: by one of them
    for a product of the training pairs, and by the mean of all for any other. So the scores of
    training pairs are like those of new ones (stacked generalisation: Wolpert, Neural Networks 5,
    1992).
    """

    def __init__(self) -> None:
        super().__init__()
        self.forests = nn.ModuleList(Trees() for _ in range(FOLDS))

    def fit(
        self,
        make: Callable[[], Any],
        table: np.ndarray,
        labels: np.ndarray,
        left: Sequence[str],
    ) -> None:
        """Fit one model for each fold.

        Args:
            make: makes a ``GradientBoostingClassifier``.
            table: float32 [m, signals].
            labels: int64 [m].
            left: the content of the left product of each pair.
        """
        keys = [_key(text) for text in left]
        folds = {key: int(key, 16) % FOLDS for key in keys}
        self.keep(folds)
        held = np.array([folds[key] for key in keys])
        for fold, forest in enumerate(self.forests):
            assert isinstance(forest, Trees)
            kept = held != fold
            # Too few pairs may be all of one fold, or of one label.
            kept = kept if len(np.unique(labels[kept])) == 2 else np.ones(len(held), bool)
            model = make().fit(table[kept], labels[kept])
            forest.take(model, table[:1], float(model.decision_function(table[:1])[0]))

    @torch.no_grad()
    def score(self, table: np.ndarray, left: Sequence[str]) -> np.ndarray:
        """Return the log-odds of pairs, float64 [m].

        Args:
            table: float32 [m, signals].
            left: the content of the left product of each pair.
        """
        rows = torch.from_numpy(table).to(self.learned.device)
        scores = np.stack([forest(rows).cpu().numpy() for forest in self.forests])
        folds = self.kept()
        fold = np.array([folds.get(_key(text), -1) for text in left], np.int64)
        return np.where(fold < 0, scores.mean(axis=0), scores[fold, np.arange(len(fold))])


def compare(score: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare scores of pairs with those of other candidates, float64 [m, 3].

    The columns are the rank, the probability of the pair against the best candidate, and that
    against all candidates together (softmax); NaN for a pair without other candidates.

    Args:
        score: float64 [m], log-odds.
        others: float64 [m, k], log-odds, NaN where there are fewer candidates.
    """
    rank = 1.0 + (others > score[:, None]).sum(axis=1)
    filled = np.where(np.isnan(others), -np.inf, others)
    best = filled.max(axis=1, initial=-np.inf)
    total = logsumexp(np.column_stack([score, filled]), axis=1)
    found = np.column_stack([rank, expit(score - best), np.exp(score - total)])
    found[np.isneginf(best)] = np.nan
    return found


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
