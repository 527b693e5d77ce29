"""Factors of products by Bayesian personalised ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender, least_for
from likewise.recommenders.linear.implicit_library import implicit

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Bpr(FittedRecommender):
    """Factors of products such that people score what they had above what they had not.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from
    Implicit Feedback", UAI 2009, by the library implicit. Only the factors of the products are
    kept: a person is the mean of those of the history, so strangers and events after the training
    are served too. The biases of the products are left out. On Amazon Beauty's validation events
    this ranks better than the trained factors of people with biases.

    Args:
        factors: of people and products.
        learning_rate: of the stochastic gradient steps.
        l2: the regularisation λ.
        iterations: passes over the events. They run on one thread, so that the seed fixes them.
    """

    items: Tensor

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.05,
        l2: float = 0.001,
        iterations: int = 100,
    ) -> None:
        super().__init__()
        if factors < 1 or iterations < 1 or not learning_rate > 0 or not l2 >= 0:
            raise LikewiseError(
                f"recommender.factors={factors} and recommender.iterations={iterations} must be "
                f"at least 1, recommender.learning_rate={learning_rate} above 0 and "
                f"recommender.l2={l2} at least 0"
            )
        self.factors, self.learning_rate = factors, learning_rate
        self.l2, self.iterations = l2, iterations
        self.register_buffer("items", torch.empty(0, 0))

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``."""
        table = histories.matrix(len(data.catalogue))
        model = implicit("bpr").BayesianPersonalizedRanking(
            factors=self.factors,
            learning_rate=self.learning_rate,
            regularization=self.l2,
            iterations=self.iterations,
            use_gpu=False,
            num_threads=1,
            random_state=seed,
        )
        model.fit(table, show_progress=False)
        # The last column holds the biases.
        self.items = torch.from_numpy(np.array(model.item_factors[:, :-1]))
        self.items[torch.from_numpy(np.diff(table.tocsc().indptr) == 0)] = 0

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        table = histories.matrix(len(self.items))
        had = np.maximum(np.diff(table.indptr), 1)[:, None]
        people = torch.from_numpy((table @ self.items.cpu().numpy()) / had).float()
        items = self.items.cpu()
        return least_for(people @ items.T, (items == 0).all(1))
