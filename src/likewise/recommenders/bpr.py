"""Factors of products by Bayesian personalised ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import Recommender, least_for
from likewise.recommenders.extra import implicit

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData


class Bpr(Recommender):
    """Matrix factorisation that ranks what a person had above what the person had not.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from
    Implicit Feedback", UAI 2009, by the library implicit.

    Args:
        factors: of people and products.
        learning_rate: of the stochastic gradient steps.
        l2: the regularisation λ.
        iterations: passes over the events.
    """
