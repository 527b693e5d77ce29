"""What words tell of a pair, against scikit-learn on words that are not hashed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from likewise.data.catalogue import make_catalogue
from likewise.data.pair_signals import Offer, read_offers
from likewise.data.tokens import tokens
from likewise.matchers.word_scores import INVERSE_PENALTY, WordScores

KINDS = ["lamp", "chair", "table", "mug", "shelf"]


def offers_of(titles: list[str], shops: list[str | None]) -> list[Offer]:
    ids = [str(row) for row in range(len(titles))]
    catalogue = make_catalogue({"product_id": ids, "title": titles, "shop": shops})
    return read_offers(catalogue, np.arange(len(titles)))


def two_shops() -> tuple[list[str], list[Offer], np.ndarray, np.ndarray, np.ndarray]:
    """Offers of which the second shop has each also refurbished, which is another product."""
    names = [f"{kind} no {number}" for number in range(12) for kind in KINDS]
    titles = [*names, *names, *(f"refurbished {name}" for name in names)]
    offers = offers_of(titles, ["a"] * len(names) + ["b"] * 2 * len(names))
    left = np.tile(np.arange(len(names)), 2)
    right = np.arange(len(names), len(titles))
    return titles, offers, left, right, np.repeat([1, 0], len(names))


def test_a_word_on_one_side_tells_that_new_pairs_do_not_match() -> None:
    _, offers, left, right, labels = two_shops()
    words = WordScores()
    words.fit(offers, left, right, labels)
    # Words that no training pair had, but for the one that tells.
    new = offers_of(["sofa 77", "retail sofa 77", "refurbished sofa 77"], ["a", "b", "b"])
    same, other = words.score(new, np.array([0, 0]), np.array([1, 2]))
    assert same > 0.5 > other
    found = words.score(offers, left, right)
    assert found[labels == 1].min() > found[labels == 0].max()


def test_a_training_pair_is_scored_without_the_pairs_of_its_product() -> None:
    titles, offers, left, right, labels = two_shops()
    words = WordScores()
    words.fit(offers, left, right, labels)
    found = words.score(offers, left, right)

    def features(one: int, other: int) -> dict[str, float]:
        a, b = set(tokens(titles[one])), set(tokens(titles[other]))
        places = {"both": a & b, "either": a ^ b, "first": a - b, "second": b - a}
        return {
            f"{place} {word}": (1 + len(some)) ** -0.5
            for place, some in places.items()
            for word in some
        }

    rows = [features(*pair) for pair in zip(left.tolist(), right.tolist(), strict=True)]
    table = DictVectorizer().fit_transform(rows)
    # The folds are those that were kept; which product is in which is not of interest.
    folds = np.array([words.kept()[key] for key in words.kept()])[left]
    assert len(set(folds.tolist())) == 5
    for fold in range(5):
        held = folds == fold
        model = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
        model.fit(table[~held], labels[~held])
        expected = expit(model.decision_function(table[held]))
        np.testing.assert_allclose(found[held], expected, atol=1e-3)


@pytest.mark.parametrize("shops", [["a", "b"], ["b", "a"], ["a", "a"], [None, None]])
def test_the_order_of_a_pair_does_not_matter(shops: list[str | None]) -> None:
    _, offers, left, right, labels = two_shops()
    words = WordScores()
    words.fit(offers, left, right, labels)
    pair = offers_of(["lamp no 1", "refurbished mug no 1"], shops)
    one, other = np.array([0]), np.array([1])
    np.testing.assert_array_equal(words.score(pair, one, other), words.score(pair, other, one))


def test_which_shop_has_a_word_tells_whether_two_offers_match() -> None:
    # "new" matches the plain name if the first shop writes it, and does not if the second does.
    names = [f"{kind} no {number}" for number in range(12) for kind in KINDS]
    number = len(names)
    new = [f"new {name}" for name in names]
    offers = offers_of([*names, *new] * 2, ["a"] * 2 * number + ["b"] * 2 * number)
    a, a_new, b, b_new = np.arange(4 * number).reshape(4, number)
    left, right = np.concatenate([a_new, a]), np.concatenate([b, b_new])
    words = WordScores()
    words.fit(offers, left, right, np.repeat([1, 0], number))
    assert words.score(offers, a_new, b).min() > words.score(offers, a, b_new).max()


def test_products_without_text_and_one_product_in_all_pairs_can_be_scored() -> None:
    offers = offers_of(["", "lamp", "mug", "a lamp"], [None] * 4)
    words = WordScores()
    left, right = np.array([0, 0, 0, 0]), np.array([1, 2, 3, 0])
    words.fit(offers, left, right, np.array([0, 1, 0, 1]))
    assert np.isfinite(words.score(offers, left, right)).all()
