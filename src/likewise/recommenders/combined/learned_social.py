"""Scores that people share with those whom they trust, each as much as the data say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.combined.held_out import hold_out
from likewise.recommenders.combined.social import Social

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData

# People whose features are computed at once.
BLOCK = 64
# What a feature of trust may count, relative to the own scores.
GRID = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


class LearnedSocial(Social):
    """Smooths the scores of any recommender over the trust network with learned weights.

    The scores of a person u become (s(u) + Σ_v w(u, v) s(v)) / (1 + Σ_k θ_k) over the people v whom
    u trusts, where w(u, v) = Σ_k θ_k f_k(u, v) / Σ_v f_k(u, v). The features f_k of a statement of
    trust are 1, the cosine of the products that both had, the Jaccard index of the people whom both
    trust, and whether v trusts u. θ maximises the nDCG of held-out latest training events among
    candidates, by coordinate ascent over ``GRID``; the base is fitted twice.

    That friends should count by how alike their taste is: Ma et al., "Recommender Systems with
    Social Regularization", WSDM 2011; that these weights can be learned: Fan et al., "Graph Neural
    Networks for Social Recommendation", WWW 2019.

    Args:
        base: any recommender that learns without gradient steps.
        people: who trust somebody and whose latest event is held out, at most.
        candidates: of each held-out event.
    """

    weights: Tensor

    def __init__(
        self,
        base: FittedRecommender,
        people: int = 2000,
        candidates: int = 200,
    ) -> None:
        super().__init__(base)
        if people < 1 or candidates < 2:
            raise LikewiseError(
                f"recommender.people={people} must be at least 1 and candidates={candidates} at "
                "least 2"
            )
        self.people, self.candidates = people, candidates
        # The own scores first, then one for each feature of trust.
        self.register_buffer("weights", torch.zeros(5))

    def smoothing(
        self, trust: csr_matrix, histories: Histories, data: ProductData, seed: int
    ) -> csr_matrix:
        """See ``Social``."""
        assert histories.users is not None
        trusts = np.asarray(trust.sum(1)).ravel() > 0
        earlier, asked, targets = hold_out(
            histories, self.people, seed, among=trusts[histories.users]
        )
        self.base.fit(earlier, data, seed)
        filters = trust_features(trust, earlier, len(data.catalogue))
        features = torch.cat(
            [
                self._features(
                    asked[start : start + BLOCK], targets[start:][:BLOCK], earlier, filters
                )
                for start in range(0, len(asked), BLOCK)
            ]
        )
        if not len(features):
            raise LikewiseError(
                f"none of {len(targets)} held-out events is among the first {self.candidates} "
                "products by the base and the trusted people; raise recommender.candidates"
            )
        self.weights = best_weights(features)
        shares = (self.weights / self.weights.sum()).tolist()
        # Somebody who trusts nobody keeps the own scores.
        own = np.where(trusts, shares[0], 1.0)
        filters = trust_features(trust, histories, len(data.catalogue))
        smoothing = diags(own) + sum(s * one for s, one in zip(shares[1:], filters, strict=True))
        return smoothing.tocsr().astype(np.float32)

    def _features(
        self, asked: Histories, targets: Tensor, known: Histories, filters: list[csr_matrix]
    ) -> Tensor:
        """Float32 [<= b, candidates, 5], the target first; of people whose target is a candidate.

        Args:
            targets: int64 [b], the held-out products.
            known: the histories that the base was fitted to.
            filters: of ``trust_features``.
        """
        users, place = asked.users, np.full(filters[0].shape[0], -1)
        assert users is not None
        assert known.users is not None
        place[known.users] = np.arange(len(known))
        friends = np.unique(filters[0][users].indices)
        theirs = self.base.scores(known.take(place[friends])).cpu().numpy()
        shared = [torch.from_numpy(one[users][:, friends] @ theirs) for one in filters]
        values = torch.stack([self.base.scores(asked).cpu(), *shared])
        together = values[0] + values[1]
        own = together.gather(1, targets[:, None])
        together[torch.from_numpy(asked.people), torch.from_numpy(asked.products)] = -torch.inf
        found = (together > own).sum(1) < self.candidates
        together.scatter_(1, targets[:, None], torch.inf)
        rows = together.topk(min(self.candidates, together.shape[1]), dim=1).indices
        return values.gather(2, rows.expand(len(values), -1, -1)).permute(1, 2, 0)[found]


def best_weights(features: Tensor) -> Tensor:
    """Weights float32 [k] by coordinate ascent over ``GRID``; the first stays 1.

    They maximise the mean of 1 / log2(1 + rank) of the first of each c candidates, its nDCG.

    Args:
        features: float32 [m, c, k].
    """
    weights = torch.zeros(features.shape[2])
    weights[0] = 1.0
    best, before = _quality(features @ weights), -1.0
    while best > before:
        before = best
        for place in range(1, len(weights)):
            for value in GRID:
                tried = weights.clone()
                tried[place] = value
                if (quality := _quality(features @ tried)) > best:
                    best, weights = quality, tried
    return weights


def _quality(scores: Tensor) -> float:
    """The mean nDCG of the first of each c candidates, of scores float32 [m, c]."""
    ranks = 1 + (scores[:, 1:] >= scores[:, :1]).sum(1)
    return float((1 / torch.log2(1.0 + ranks.double())).mean())


def trust_features(trust: csr_matrix, histories: Histories, products: int) -> list[csr_matrix]:
    """Four features of each statement of trust, float32 [u, u]; the rows of each sum to 1 or are 0.

    Args:
        trust: [u, u], 1 where the person of the row trusts that of the column.
        histories: of some of these people, by ``users``.
        products: of the catalogue.
    """
    size = trust.shape[0]
    row, column = trust.nonzero()
    rows = csr_matrix(
        (np.ones(len(histories)), (histories.users, np.arange(len(histories)))),
        shape=(size, len(histories)),
    )
    had = rows @ histories.matrix(products)
    both, lengths = _common(had, row, column), np.asarray(had.sum(1)).ravel()
    cosine = both / np.sqrt(np.maximum(lengths[row] * lengths[column], 1))
    together, trusted = _common(trust, row, column), np.asarray(trust.sum(1)).ravel()
    jaccard = together / np.maximum(trusted[row] + trusted[column] - together, 1)
    mutual = np.asarray(trust.T.tocsr()[row, column]).ravel()
    found = []
    for values in (np.ones(len(row)), cosine, jaccard, mutual):
        table = csr_matrix((values, (row, column)), shape=(size, size))
        table.eliminate_zeros()
        sums = np.asarray(table.sum(1)).ravel()
        found.append((diags(1 / np.where(sums > 0, sums, 1)) @ table).tocsr().astype(np.float32))
    return found


def _common(table: csr_matrix, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float64 [e], the number of columns that both rows of each pair have."""
    return np.asarray(table[left].multiply(table[right]).sum(1)).ravel()
