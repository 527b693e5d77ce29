"""Smoothing over the trust network with learned weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from likewise.data.catalogue import ProductData
from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.combined.learned_social import (
    GRID,
    LearnedSocial,
    best_weights,
    trust_features,
)
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.counts.repeat import Repeat

PRODUCTS, PEOPLE = 60, 200


def make_network(event_maker) -> tuple[Histories, ProductData]:
    """Pairs of mutual friends, who also trust strangers one-sidedly.

    A person's latest product is one that the friend had.
    """
    generator = np.random.default_rng(0)
    sequences = [generator.choice(PRODUCTS, 8, replace=False).tolist() for _ in range(PEOPLE)]
    trust = []
    for person in range(PEOPLE):
        friend = person ^ 1
        trust.append((person, friend))
        trust += [(person, int(other)) for other in generator.choice(PEOPLE, 3, replace=False)]
        new = [one for one in sequences[friend][:7] if one not in sequences[person][:7]]
        sequences[person][7] = int(generator.choice(new))
    data = event_maker(PRODUCTS, sequences, trust)
    found = Histories.of(sequences)
    return Histories(found.products, found.ends, np.arange(PEOPLE)), data


def test_mutual_friends_count_most_where_they_tell_what_comes_next(event_maker) -> None:
    histories, data = make_network(event_maker)
    recommender = LearnedSocial(Repeat(), candidates=PRODUCTS)
    recommender.fit(histories, data, 0)
    counts = recommender.filter.get().toarray()
    people = np.arange(PEOPLE)
    of_friend = counts[people, people ^ 1]
    counts[people, people ^ 1] = counts[people, people] = 0
    assert (of_friend > 2 * counts.max(1)).mean() > 0.9


def test_scores_are_the_weighted_sum_over_trusted_people(event_maker) -> None:
    histories, data = make_network(event_maker)
    recommender, alone = LearnedSocial(ItemKnn(), candidates=PRODUCTS), ItemKnn()
    recommender.fit(histories, data, 0)
    alone.fit(histories, data, 0)
    own = alone.scores(histories).numpy()
    trust = data.relevance[0].trust
    table = np.zeros((PEOPLE, PEOPLE))
    table[trust.user // 10, trust.trusts // 10] = 1
    np.fill_diagonal(table, 0)
    had = histories.matrix(PRODUCTS).toarray()
    expected = own.astype(float)
    weights = recommender.weights[1:].tolist()
    assert sum(weights) > 0
    for u in range(PEOPLE):
        friends = np.flatnonzero(table[u])
        values = np.array(
            [
                [
                    1.0,
                    had[u] @ had[v] / np.sqrt(had[u].sum() * had[v].sum()),
                    (table[u] * table[v]).sum() / np.maximum(table[u], table[v]).sum(),
                    table[v, u],
                ]
                for v in friends
            ]
        )
        shares = values / np.where(values.sum(0) > 0, values.sum(0), 1)
        expected[u] += (shares @ weights) @ own[friends]
    expected /= 1 + sum(weights)
    np.testing.assert_allclose(recommender.scores(histories), expected, rtol=1e-4, atol=1e-5)


def test_the_same_seed_gives_the_same_and_a_copy_too(event_maker) -> None:
    histories, data = make_network(event_maker)
    one, again, copy = (LearnedSocial(ItemKnn(), people=50) for _ in range(3))
    one.fit(histories, data, 3)
    again.fit(histories, data, 3)
    copy.load_state_dict(one.state_dict())
    asked = histories[:9]
    assert torch.equal(one.scores(asked), again.scores(asked))
    assert torch.equal(one.scores(asked), copy.scores(asked))


def test_rows_of_features_sum_to_one_or_are_empty() -> None:
    trust = csr_matrix(np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]]))
    histories = Histories(np.array([0, 1, 1]), np.array([2, 3]), np.array([0, 1]))
    equal, cosine, jaccard, mutual = (
        one.toarray() for one in trust_features(trust, histories, products=2)
    )
    np.testing.assert_allclose(equal, [[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(cosine, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(mutual, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert not jaccard.any()


def test_the_weights_are_the_best_of_the_grid() -> None:
    """Two features, against all pairs of weights; where nothing helps, the own scores stay."""
    features = torch.randn(60, 9, 2, generator=torch.Generator().manual_seed(0))
    features[:, 0, 1] += 1.0

    def ndcg(weight: float) -> float:
        scores = (features[..., 0] + weight * features[..., 1]).tolist()
        ranks = [1 + sum(other >= row[0] for other in row[1:]) for row in scores]
        return float(np.mean([1 / np.log2(1 + rank) for rank in ranks]))

    own, weight = best_weights(features).tolist()
    assert own == 1.0
    assert weight in [pytest.approx(one) for one in GRID]
    assert ndcg(weight) == pytest.approx(max(map(ndcg, GRID)))
    features[:, 0, 1] -= 9.0
    assert best_weights(features).tolist() == [1.0, 0.0]


def test_what_cannot_be_learned_is_named(event_maker) -> None:
    data = event_maker(3, [[0], [1]], [(0, 1)])
    known = Histories(np.array([0, 1]), np.array([1, 2]), np.array([0, 1]))
    with pytest.raises(LikewiseError, match="at least two training events"):
        LearnedSocial(Popular()).fit(known, data, 0)
    with pytest.raises(LikewiseError, match=r"recommender.people=0"):
        LearnedSocial(Popular(), people=0)
