"""Scores of candidates by models of other training pairs, and how a pair compares with them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier

from likewise.matchers.candidate_scores import FOLDS, CandidateScores, compare


def make() -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=5, random_state=0)


def pairs(number: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    draw = np.random.default_rng(0)
    table = draw.normal(size=(number, 3)).astype(np.float32)
    labels = (table[:, 0] + draw.normal(size=number) > 0).astype(np.int64)
    return table, labels, [f"product {row // 4}" for row in range(number)]


def test_training_pairs_are_scored_by_a_model_of_other_pairs() -> None:
    table, labels, left = pairs(200)
    scores = CandidateScores()
    scores.fit(make, table, labels, left)
    found = scores.score(table, left)
    products = np.array(left)
    # The model of the fold of a product: only one subset of products gives its scores exactly.
    folds: dict[str, int] = {}
    for product in dict.fromkeys(left):
        mine = products == product
        own = [forest(torch.from_numpy(table[mine])).numpy() for forest in scores.forests]
        (folds[product],) = [k for k in range(FOLDS) if np.allclose(own[k], found[mine])]
    assert len(set(folds.values())) == FOLDS
    held = np.array([folds[product] for product in left])
    for fold in range(FOLDS):
        model = make().fit(table[held != fold], labels[held != fold])
        np.testing.assert_allclose(
            found[held == fold], model.decision_function(table[held == fold]), atol=1e-9
        )


def test_a_new_product_is_scored_by_the_mean_of_all_models() -> None:
    table, labels, left = pairs(200)
    scores = CandidateScores()
    scores.fit(make, table, labels, left)
    own = [forest(torch.from_numpy(table)).numpy() for forest in scores.forests]
    found = scores.score(table, ["new"] * len(left))
    np.testing.assert_allclose(found, np.mean(own, axis=0), atol=1e-9)


def test_one_product_in_all_pairs_can_be_fitted() -> None:
    table, labels, _ = pairs(40)
    scores = CandidateScores()
    scores.fit(make, table, labels, ["the same"] * 40)
    assert np.isfinite(scores.score(table, ["the same"] * 40)).all()


def test_a_pair_is_compared_with_other_candidates_by_hand() -> None:
    score = np.array([math.log(2), 0.0, 1.0])
    others = np.array([[0.0, np.nan], [math.log(3), math.log(4)], [np.nan, np.nan]])
    found = compare(score, others)
    # Odds of 2 against 1; odds of 1 against 4 and, with all, against 3 + 4.
    np.testing.assert_allclose(found[0], [1, 2 / 3, 2 / 3])
    np.testing.assert_allclose(found[1], [3, 1 / 5, 1 / 8])
    assert np.isnan(found[2]).all()


@pytest.mark.filterwarnings("error")
def test_no_candidate_at_all_gives_no_warning() -> None:
    assert np.isnan(compare(np.array([1.0]), np.full((1, 0), np.nan))).all()
