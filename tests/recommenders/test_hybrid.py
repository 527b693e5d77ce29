"""The hybrid and the parts that know products by their attributes or in two steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from likewise.data.catalogue import ProductData, make_catalogue
from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.combined.held_out import hold_out
from likewise.recommenders.combined.hybrid import Hybrid
from likewise.recommenders.content.attribute_content import AttributeContent
from likewise.recommenders.content.attribute_table import attribute_table
from likewise.recommenders.content.attribute_transitions import AttributeTransitions
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.counts.two_steps import TwoSteps
from likewise.recommenders.history_weights import history_weights
from likewise.recommenders.sequences.gru import GRU
from likewise.recommenders.sequences.product_vectors import ProductVectors

SIZE = 30
# Shampoo is followed by conditioner, and conditioner by a brush.
KINDS = ["shampoo", "conditioner", "brush"]


@pytest.fixture(scope="module")
def data() -> ProductData:
    """30 products of three kinds, each with a brand of its third."""
    columns = {
        "product_id": [f"p{row}" for row in range(SIZE)],
        "category": [KINDS[row % 3] for row in range(SIZE)],
        "attributes": [[{"name": "line", "value": f"line {row // 3 % 5}"}] for row in range(SIZE)],
    }
    none = np.zeros(0, np.int64)
    splits = {"train": np.arange(SIZE), "validation": none, "test": none}
    return ProductData(make_catalogue(columns), splits, "test")


def walks(people: int, seed: int = 0) -> Histories:
    """Sequences that go round the kinds within two products of a kind, never product 29."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(people):
        start = int(generator.integers(0, 3))
        kinds = [(start + step) % 3 for step in range(5)]
        found.append([3 * int(generator.integers(0, 9)) + kind for kind in kinds])
    return Histories.of(found)


def test_recent_weighs_the_latest_events_and_sums_to_one():
    table = history_weights(Histories.of([[4, 1, 2, 1], [], [3]]), 5, recent=3, decay=0.5).toarray()
    total = 1 + 0.5 + 0.25
    expected = [[0, 1.25 / total, 0.5 / total, 0, 0], [0] * 5, [0, 0, 0, 1, 0]]
    np.testing.assert_allclose(table, expected, rtol=1e-6)


def test_attribute_table_keeps_every_value_that_two_products_share():
    known = [
        [{"name": "use", "value": "hair"}, {"name": "use", "value": "skin"}],
        [{"name": "use", "value": "skin"}],
        [],
    ]
    columns = {"product_id": ["a", "b", "c"], "attributes": known, "brand": ["x", None, "x"]}
    table = attribute_table(make_catalogue(columns)).toarray()
    # "hair" is of one product only.
    assert sorted(map(tuple, table.T)) == [(1, 0, 1), (1, 1, 0)]


def test_attribute_table_needs_a_column():
    with pytest.raises(LikewiseError, match="no product of the catalogue has attributes"):
        attribute_table(make_catalogue({"product_id": ["a"], "title": ["x"]}))


def test_content_is_the_weighted_cosine_of_attributes(data: ProductData):
    part = AttributeContent(recent=2, decay=0.5)
    part.fit(walks(1), data, 0)
    names = [{KINDS[row % 3], f"line {row // 3 % 5}"} for row in range(SIZE)]
    weight = {
        name: np.log(SIZE / sum(name in own for own in names)) for name in set().union(*names)
    }

    def length(row: int) -> float:
        return np.sqrt(sum(weight[name] ** 2 for name in names[row]))

    def cosine(a: int, b: int) -> float:
        return sum(weight[name] ** 2 for name in names[a] & names[b]) / length(a) / length(b)

    expected = [(cosine(5, row) / 2 + cosine(8, row)) / 1.5 for row in range(SIZE)]
    np.testing.assert_allclose(part.scores(Histories.of([[0, 5, 8]]))[0], expected, atol=1e-6)


def test_transitions_find_what_follows_also_among_products_that_nobody_bought(data: ProductData):
    part = AttributeTransitions(window=1, backward=0.0)
    part.fit(walks(300), data, 0)
    scores = part.scores(Histories.of([[0, 3], [9, 1]]))
    # A conditioner after shampoo, a brush (product 29 is one) after conditioner.
    assert [int(row.argmax()) % 3 for row in scores] == [1, 2]
    assert scores[1, 29] > scores[1, 27] + 0.1
    assert (part.scores(Histories.of([[]])) == 0).all()


def test_lift_of_transitions_equals_a_worked_example():
    columns = {"product_id": list("abcd"), "brand": ["x", "x", "y", "y"]}
    none = np.zeros(0, np.int64)
    splits = {"train": np.arange(4), "validation": none, "test": none}
    data = ProductData(make_catalogue(columns), splits, "test")
    part = AttributeTransitions(window=1, backward=0.0, strength=1.0)
    # x to y three times, y to x once; independent: 9/4 for x to y, 1/4 back, 3/4 for the others.
    part.fit(Histories.of([[0, 2], [0, 3], [1, 2], [2, 0]]), data, 0)
    expected = np.log([[0.75 / 1.5, (3 + 2.25) / 4.5], [(1 + 0.25) / 0.5, 0.75 / 1.5]])
    np.testing.assert_allclose(part.lift, expected, rtol=1e-5)


def test_two_steps_are_the_square_of_one(data: ProductData):
    people = walks(40)
    part = TwoSteps(ItemKnn(), neighbours=SIZE, recent=1)
    part.fit(people, data, 0)
    one = ItemKnn()
    one.fit(people, data, 0)
    step = one.scores(Histories.of([[row] for row in range(SIZE)])).numpy().astype(float)
    np.fill_diagonal(step, 0)
    step /= np.maximum(step.sum(1, keepdims=True), 1e-9)
    expected = step @ step
    np.fill_diagonal(expected, 0)
    found = part.scores(Histories.of([[row] for row in range(SIZE)]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_hold_out_takes_the_latest_event_of_some_people():
    people = Histories.of([[1, 2, 3], [4], [5, 6], [], [7, 8]])
    earlier, asked, targets = hold_out(people, 10, seed=0)
    assert _lists(earlier) == [[1, 2], [4], [5], [], [7]]
    assert _lists(asked) == [[1, 2], [5], [7]]
    assert targets.tolist() == [3, 6, 8]
    fewer, some, of_some = hold_out(people, 2, seed=0)
    assert len(some) == len(of_some) == 2
    assert len(fewer.products) == len(people.products) - 2


def test_hybrid_gives_the_weight_to_the_part_that_knows(data: ProductData):
    people = walks(300)
    hybrid = Hybrid({"noise": Noise(), "following": AttributeTransitions(1, 0.0)}, candidates=30)
    hybrid.fit(people, data, 0)
    noise, following = hybrid.weights.tolist()
    assert following > 10 * abs(noise)
    asked = Histories.of([[0, 4], [3, 7]])
    scores = hybrid.scores(asked)
    # Everything about an unseen person's order comes from the part that knows.
    assert {int(row.argmax()) % 3 for row in scores} == {2}


def test_hybrid_is_the_sum_of_its_parts(data: ProductData):
    hybrid = Hybrid({"knn": ItemKnn(), "following": AttributeTransitions()}, candidates=10)
    people = walks(60)
    hybrid.fit(people, data, 0)
    knn, following = ItemKnn(), AttributeTransitions()
    for part in (knn, following):
        part.fit(people, data, 0)
    asked = Histories.of([[0, 4], [5]])
    weights = hybrid.weights / hybrid.deviations
    expected = weights[0] * torch.log1p(knn.scores(asked) / hybrid.scales[0])
    expected += weights[1] * following.scores(asked)
    assert hybrid.scales[1] == 0
    torch.testing.assert_close(hybrid.scores(asked), expected)


@pytest.mark.parametrize(
    "make",
    [
        AttributeContent,
        AttributeTransitions,
        lambda: TwoSteps(ItemKnn()),
        lambda: Hybrid({"knn": ItemKnn(), "content": AttributeContent(), "popular": Popular()}),
    ],
    ids=["content", "transitions", "two steps", "hybrid"],
)
def test_saved_parts_give_equal_scores_and_the_same_seed_the_same(make, data: ProductData):
    one, again, loaded = make(), make(), make()
    people = walks(60)
    one.fit(people, data, 3)
    again.fit(people, data, 3)
    loaded.load_state_dict(one.state_dict())
    asked = Histories.of([[0, 4], [], [5, 5, 2]])
    scores = one.scores(asked)
    assert scores.shape == (3, SIZE)
    assert scores.dtype == torch.float32
    assert scores.isfinite().all()
    assert torch.equal(scores, again.scores(asked))
    assert torch.equal(scores, loaded.scores(asked))


def test_hybrid_says_what_it_cannot_use(data: ProductData):
    with pytest.raises(LikewiseError, match="at least one recommender"):
        Hybrid({})
    with pytest.raises(LikewiseError, match=r"parts.gru is trained by sequence"):
        Hybrid({"gru": GRU(ProductVectors(3, 2))})
    with pytest.raises(LikewiseError, match="at least two training events"):
        Hybrid({"popular": Popular()}).fit(Histories.of([[1], [2]]), data, 0)


class Noise(FittedRecommender):
    """Scores that know nothing."""

    def fit(self, histories: Histories, data: ProductData, seed: int) -> None:
        pass

    def scores(self, histories: Histories) -> torch.Tensor:
        generator = torch.Generator().manual_seed(int(histories.products.sum()))
        return torch.rand(len(histories), SIZE, generator=generator)


def _lists(histories: Histories) -> list[list[int]]:
    return [histories[place : place + 1].products.tolist() for place in range(len(histories))]
