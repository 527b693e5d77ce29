"""Predicted rewards of every product in every context."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from likewise.data.contexts import Contexts


class RewardModel:
    """A linear model of the context, the product and the link between them.

    Rewards of 0 and 1 are predicted by logistic regression, others by ridge regression. There
    are no interactions of context and product, so that predictions of all products are cheap.

    Args:
        penalty: of the squared coefficients.
    """

    def __init__(self, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, contexts: Contexts, action: np.ndarray, reward: np.ndarray) -> RewardModel:
        """Learn from rounds.

        Args:
            contexts: m of them.
            action: int64 [m], the products that were shown.
            reward: float64 [m].
        """
        from sklearn.linear_model import LogisticRegression, Ridge

        size, products = contexts.links.shape
        rows = np.arange(size)
        shown = csr_matrix((np.ones(size), (rows, action)), shape=(size, products))
        linked = contexts.links.numpy()[rows, action][:, None]
        columns = hstack([csr_matrix(contexts.features.numpy()), shown, csr_matrix(linked)], "csr")
        self.binary = bool(np.isin(reward, (0, 1)).all())
        if len(np.unique(reward)) == 1:
            # One value leaves nothing to learn.
            self.coefficients, self.intercept = np.zeros(columns.shape[1]), float(reward[0])
            self.binary = False
            return self
        model = (
            LogisticRegression(C=1 / self.penalty, max_iter=1000)
            if self.binary
            else Ridge(self.penalty)
        )
        model.fit(columns, reward)
        self.coefficients = np.ravel(model.coef_)
        self.intercept = float(np.ravel(model.intercept_)[0])
        return self

    def predict(self, contexts: Contexts) -> np.ndarray:
        """Return the predicted rewards of all products, float64 [m, n]."""
        width = contexts.features.shape[1]
        of_context, rest = self.coefficients[:width], self.coefficients[width:]
        scores = (contexts.features.numpy() @ of_context)[:, None] + rest[:-1]
        scores += rest[-1] * contexts.links.numpy() + self.intercept
        if not self.binary:
            return scores
        from scipy.special import expit

        return expit(scores)


def cross_fitted(
    contexts: Contexts,
    action: np.ndarray,
    reward: np.ndarray,
    targets: int,
    folds: int,
    seed: int,
    penalty: float = 1.0,
) -> np.ndarray:
    """Predict the rewards of the last rounds, none of them by a model that has seen it.

    Chernozhukov et al., "Double/debiased machine learning", The Econometrics Journal 21, 2018.

    Args:
        contexts, action, reward: m rounds.
        targets: how many of the last ones are predicted; the others are in each training set.
        folds: number of folds of the predicted rounds.
        seed: of the folds.

    Returns:
        float64 [targets, n].
    """
    import torch

    first = len(reward) - targets
    order = np.random.default_rng(seed).permutation(targets)
    predicted = np.zeros((targets, contexts.links.shape[1]))
    for fold in np.array_split(order, min(folds, targets)):
        learn = np.setdiff1d(np.arange(len(reward)), first + fold)
        if not len(learn):
            continue
        model = RewardModel(penalty).fit(
            contexts[torch.from_numpy(learn)], action[learn], reward[learn]
        )
        predicted[fold] = model.predict(contexts[torch.from_numpy(first + fold)])
    return predicted
