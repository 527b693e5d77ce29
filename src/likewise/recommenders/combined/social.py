"""Scores that people share with those whom they trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags, identity
from torch import Tensor

from likewise.data.histories import Histories
from likewise.data.relevance import Events
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.sparse import SparseMatrix

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData

# People whose scores are held at once beside those of the caller.
BLOCK = 256


class Social(FittedRecommender):
    """Smooths the scores of any recommender over the trust network.

    With T [u, u], in whose rows the people whom somebody trusts have equal weights that sum to 1,
    the scores S of the base become ((1 - share) I + share T)^steps S. For a base that adds over a
    history this is the same as smoothing the histories. Smoothing over a network by a linear filter
    without training is that of Wu et al., "Simplifying Graph Convolutional Networks", ICML 2019; on
    social recommendation see Wu et al., "DiffNet", SIGIR 2019.

    Somebody whom the network does not name, or a stranger, gets the scores of the base. Trusted
    people count by their training histories.

    Args:
        base: any recommender that learns without gradient steps.
        share: of the trusted people in each step, from 0 to 1.
        steps: 1 for trusted people, 2 for theirs as well.
    """

    products: Tensor
    ends: Tensor

    def __init__(self, base: FittedRecommender, share: float = 0.3, steps: int = 1) -> None:
        super().__init__()
        if not 0 <= share <= 1 or steps < 1:
            raise LikewiseError(
                f"recommender.share={share} must be from 0 to 1 and recommender.steps={steps} at "
                "least 1"
            )
        if base.trained_by != self.trained_by:
            raise LikewiseError(
                f"recommender.base is trained by {base.trained_by}; the base of recommender=social "
                "learns without gradient steps"
            )
        self.base, self.share, self.steps = base, share, steps
        self.filter = SparseMatrix()
        self.register_buffer("products", torch.empty(0, dtype=torch.int64))
        self.register_buffer("ends", torch.empty(0, dtype=torch.int64))

    @classmethod
    def lacks(cls, data: ProductData) -> str | None:
        """See ``Scorer``."""
        known = data.has(Events) and len(data.get(Events).trust)
        return None if known else "a network of trust between users"

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        """See ``Recommender``.

        Raises:
            LikewiseError: where the data has no trust network, or the histories are of strangers.
        """
        if histories.users is None:
            raise LikewiseError("recommender=social needs histories of people of the data")
        pairs, people = trust_pairs(data)
        trust = csr_matrix(
            (np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), shape=(people, people)
        )
        trust.data[:] = 1  # a pair may stand twice
        self.filter.set(self.smoothing(trust, histories, data, seed))
        self.base.fit(histories, data, seed)
        by_person = np.full(people, -1)
        by_person[histories.users] = np.arange(len(histories))
        known = histories.take(by_person)
        self.products, self.ends = torch.from_numpy(known.products), torch.from_numpy(known.ends)

    def smoothing(
        self, trust: csr_matrix, histories: Histories, data: ProductData, seed: int
    ) -> csr_matrix:
        """Return what the scores of each person [u] count for those of each other, [u, u].

        Args:
            trust: [u, u], 1 where the person of the row trusts that of the column.
            histories, data, seed: see ``FittedRecommender.fit``.
        """
        trusted = np.asarray(trust.sum(1)).ravel()
        # Somebody who trusts nobody keeps the own scores.
        trust = diags(1 / np.maximum(trusted, 1)) @ trust + diags((trusted == 0).astype(np.float32))
        step = (1 - self.share) * identity(len(trusted), format="csr") + self.share * trust
        smoothing = step
        for _ in range(self.steps - 1):
            smoothing = smoothing @ step
        return smoothing.tocsr()

    def scores(self, histories: Histories) -> Tensor:
        """See ``Recommender``."""
        scores = self.base.scores(histories)
        if histories.users is None:
            return scores
        smoothing = self.filter.get()
        known = np.flatnonzero(histories.users < smoothing.shape[0])
        rows = smoothing[histories.users[known]].tocoo()
        own = rows.col == histories.users[known][rows.row]
        place = known[rows.row]
        weights = np.ones(len(histories), np.float32)
        weights[known] = 0
        np.add.at(weights, place[own], rows.data[own])
        smoothed = scores * torch.from_numpy(weights).to(scores.device)[:, None]
        others, column = np.unique(rows.col[~own], return_inverse=True)
        table = csr_matrix(
            (rows.data[~own], (place[~own], column)), shape=(len(histories), len(others))
        )
        training = Histories(
            self.products.cpu().numpy(), self.ends.cpu().numpy(), np.arange(len(self.ends))
        )
        for start in range(0, len(others), BLOCK):
            theirs = self.base.scores(training.take(others[start : start + BLOCK]))
            part = table[:, start : start + BLOCK] @ theirs.cpu().numpy()
            smoothed += torch.from_numpy(part).to(smoothed.device)
        return smoothed


def trust_pairs(data: ProductData) -> tuple[np.ndarray, int]:
    """int64 [e, 2], places of people among those of the data: who trusts whom; and their number.

    Pairs with somebody who did nothing, or of somebody with the same, are left out.
    """
    events = data.get(Events, "recommender=social")
    trust, users = events.trust, events.user_names
    if not len(trust):
        raise LikewiseError("recommender=social needs data that says who trusts whom, as data=ciao")
    pairs = np.stack([trust.user, trust.trusts], axis=1)
    pairs = pairs[np.isin(pairs, users).all(1) & (pairs[:, 0] != pairs[:, 1])]
    return np.searchsorted(users, pairs), len(users)
