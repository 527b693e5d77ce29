"""Simulated shoppers: what is stated, clicks by brute force, and the checker of gymnasium."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.relevance import Groups, Visits
from likewise.data.sources.shoppers import Shoppers
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.policies.lists import draw_lists, list_log_probabilities, list_logits
from likewise.policies.oracle import OraclePolicy
from likewise.policies.uniform import UniformPolicy
from likewise.simulation.environment import ManyVisits, OneVisit
from likewise.simulation.shop import Shop

SEGMENTS = {
    "replace": {"share": 0.5, "group": 4.0, "price": 1.0},
    "browse": {"share": 0.5, "properties": 2.0, "appeal": 1.0},
}
VISITS = {"train": 400, "validation": 50, "test": 60}


class Prices:
    """Three groups of two products, and a product alone in its group."""

    def load(self) -> ProductData:
        columns = {
            "product_id": list("abcdefg"),
            "brand": ["x", "x", "y", "y", "x", None, "x"],
            "category": ["lamp", "lamp", "lamp", "rug", "rug", "rug", "rug"],
            "price": [10.0, 20.0, 10.0, None, 5.0, 5.0, 1.0],
        }
        groups = Groups.of(np.array([0, 0, 1, 1, 2, 2, 3]), list("pqrs"), {"train": np.arange(7)})
        return ProductData(make_catalogue(columns), {"train": np.arange(7)}, "f", (groups,))


def shoppers(**changed: object) -> Shoppers:
    options = {
        "source": Prices(),
        "segments": SEGMENTS,
        "base": -2.0,
        "examination": [1.0, 0.5],
        "products": 7,
        "visits": VISITS,
    }
    return Shoppers(**{**options, **changed})


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(shoppers().load())


def test_attraction_is_as_stated() -> None:
    data = shoppers().load()
    visits = data.get(Visits)
    # The product alone in its group is left out, and whole groups are kept.
    assert data.catalogue["product_id"][:] == list("abcdef")
    by_hand = {
        # a and b: one group, the price doubles.
        (0, 0, 1): -2 + 4 + 0.5,
        # a and c: other groups, one price.
        (0, 0, 2): -2 + 1,
        # c and d: one group, one price unknown.
        (0, 2, 3): -2 + 4,
    }
    for place, log_odds in by_hand.items():
        assert visits.attraction[place] == pytest.approx(1 / (1 + np.exp(-log_odds)), rel=1e-5)
    # Of the brand and category of a, c has one; b has both. The rest is the appeal of each.
    odds = np.log(visits.attraction[1] / (1 - visits.attraction[1]))
    assert odds[0, 1] - odds[2, 1] == pytest.approx(2 * (1 - 0.5), abs=1e-4)
    assert set(visits.product[visits.splits["test"]]) <= set(data.splits["test"])
    again = shoppers().load().get(Visits)
    assert np.array_equal(again.product, visits.product)
    assert np.array_equal(again.sales, visits.sales)


def test_best_list_by_brute_force(shop: Shop) -> None:
    product, segment = np.array([0, 4]), np.array([0, 1])
    every = np.array(list(itertools.product(range(6), repeat=2)))
    for one in range(2):
        size = len(every)
        chances = shop.click_probabilities(
            np.full(size, product[one]), np.full(size, segment[one]), every
        )
        assert chances.sum(1).max() == pytest.approx(shop.best(product, segment)[one])
    # Neither the product itself nor a repeated one is clicked.
    lists = np.array([[0, 1], [1, 1], [1, 2]])
    chances = shop.click_probabilities(np.zeros(3, int), np.zeros(3, int), lists)
    assert (chances > 0).tolist() == [[False, True], [True, False], [True, True]]
    attraction = shop.visits.attraction[0, 0, [1, 2]]
    assert chances[2] == pytest.approx(attraction * [1.0, 0.5])


def test_clicks_have_their_probabilities(shop: Shop) -> None:
    environment = ManyVisits(shop, "train", 20_000)
    visited, _ = environment.reset(seed=3, options={"visits": np.zeros(20_000, int)})
    lists = np.broadcast_to([1, 2], (20_000, 2))
    _, reward, over, _, info = environment.step(lists)
    product, segment = visited["product"][:1], visited["segment"][:1]
    expected = shop.click_probabilities(product, segment, lists[:1])[0]
    assert info["clicks"].mean(0) == pytest.approx(expected, abs=0.015)
    assert reward.mean() == pytest.approx(expected.sum(), abs=0.02)
    assert info["expected"][0] == pytest.approx(expected.sum())
    assert (info["best"] >= info["expected"] - 1e-9).all()
    assert over.all()
    with pytest.raises(LikewiseError, match="call reset"):
        environment.step(lists)


def test_gymnasium_accepts_the_environment(shop: Shop) -> None:
    check_env(OneVisit(shop), skip_render_check=True)
    one, many = OneVisit(shop), ManyVisits(shop, num_envs=1)
    assert many.reset(seed=1)[0] in many.observation_space
    seen, _ = one.reset(seed=1, options={"visit": 7})
    others, _ = many.reset(seed=1, options={"visits": [7]})
    assert [seen["product"], seen["segment"]] == [others["product"][0], others["segment"][0]]
    # The same seed gives the same clicks.
    action = np.array([1, 2])
    _, reward, terminated, truncated, info = one.step(action)
    found = many.step(action[None])
    assert (reward, terminated, truncated) == (found[1][0], True, False)
    assert info["best"] == found[4]["best"][0]


def test_lists_have_their_probabilities() -> None:
    """Plackett-Luce by hand: of three products with 1, 2 and 3, and one that is never shown."""
    logits = torch.tensor([[1.0, 2.0, 3.0, 0.0]]).log()
    orders = list(itertools.permutations(range(3), 2))
    expected = [(a + 1) / 6 * (b + 1) / (5 - a) for a, b in orders]
    found = list_log_probabilities(logits.expand(6, -1), torch.tensor(orders)).exp().prod(1)
    assert found.tolist() == pytest.approx(expected)
    drawn = draw_lists(logits.expand(30_000, -1), 2, torch.Generator().manual_seed(0))
    for order, chance in zip(orders, expected, strict=True):
        share = (drawn == torch.tensor(order)).all(1).float().mean().item()
        assert share == pytest.approx(chance, abs=0.015)


def test_oracle_has_no_regret_and_random_is_the_mean(shop: Shop) -> None:
    data = shoppers().load()
    oracle = OraclePolicy()
    oracle.prepare(type("Module", (), {"data": data})())
    product, segment = np.arange(6).repeat(2), np.tile([0, 1], 6)
    logits = list_logits(oracle, shop.contexts(product, segment))
    lists = draw_lists(logits, 2, torch.Generator().manual_seed(0)).numpy()
    expected = shop.click_probabilities(product, segment, lists).sum(1)
    assert expected == pytest.approx(shop.best(product, segment))
    uniform = list_logits(UniformPolicy(), shop.contexts(np.zeros(9000, int), np.zeros(9000, int)))
    lists = draw_lists(uniform, 2, torch.Generator().manual_seed(0)).numpy()
    assert (lists > 0).all()
    mean = shop.visits.attraction[0, 0, 1:].mean() * 1.5
    chances = shop.click_probabilities(np.zeros(9000, int), np.zeros(9000, int), lists)
    assert chances.sum(1).mean() == pytest.approx(mean, rel=0.03)


def test_few_large_groups_share_the_shop_equally() -> None:
    data = shoppers(source=Synthetic(products=100, groups=4, users=2), products=40).load()
    assert np.bincount(data.get(Groups).labels).tolist() == [10, 10, 10, 10]


class Alone(Prices):
    """Groups of one product."""

    def load(self) -> ProductData:
        data = super().load()
        labels = Groups.of(np.arange(7), list("pqrstuv"), data.splits)
        return replace(data, relevance=(labels,))


class OneProduct(Prices):
    """A catalogue of one product."""

    def load(self) -> ProductData:
        one = {"train": np.arange(1)}
        groups = Groups.of(np.zeros(1, int), ["p"], one)
        return ProductData(make_catalogue({"product_id": ["a"]}), one, "f", (groups,))


MISTAKES = {
    "groups of one": ({"source": Alone()}, "has one product only"),
    "one product": ({"source": OneProduct()}, "has one product only"),
    "few products": ({"products": 1}, "data.products=1 must be at least 5"),
    "short lists": ({"examination": [0.5, 0.7]}, "above that of an earlier position"),
    "never seen": ({"examination": [1.0, 0.0]}, "not above 0 and at most 1"),
    "long lists": ({"examination": [1.0] * 6}, "at least 7 products"),
    "a fact": ({"segments": {"a": {"share": 1.0, "colour": 1.0}}}, "has no colour"),
    "a share": ({"segments": {"a": {"group": 1.0}}}, "needs a share above 0"),
    "no segment": ({"segments": {}}, "at least one segment"),
    "no visits": ({"visits": {**VISITS, "test": 0}}, "at least 1 visit"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_of_the_simulator(name: str) -> None:
    changed, expected = MISTAKES[name]
    with pytest.raises(LikewiseError, match=expected):
        shoppers(**changed).load()


def test_nobody_clicks() -> None:
    lacking = shoppers(base=-60.0).load().get(Visits).untellable()
    assert set(lacking) == {"train", "validation", "test"}
    assert "less than one click in the 60 visits of test" in lacking["test"]
    assert not shoppers().load().get(Visits).untellable()
