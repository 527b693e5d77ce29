"""How the score of a pair compares with the scores of the other candidates of its products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.special import expit, logsumexp
from torch import nn

from likewise.matchers.out_of_fold import FOLDS, OutOfFold
from likewise.matchers.trees import Trees


class CandidateScores(OutOfFold):
    """Trees over the signals of a pair, see ``OutOfFold``."""

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
        kept_by_fold = self.training_rows(left, labels)
        for forest, kept in zip(self.forests, kept_by_fold, strict=True):
            assert isinstance(forest, Trees)
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
        return self.choose(scores, left)


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
