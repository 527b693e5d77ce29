"""Recommenders that are updated: added counts against a fit to all events, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from likewise.data.catalogue import ProductData
from likewise.data.histories import Histories
from likewise.errors import LikewiseError
from likewise.recommenders.base import FittedRecommender
from likewise.recommenders.counts.cooccurrence import Cooccurrence
from likewise.recommenders.counts.item_knn import ItemKnn
from likewise.recommenders.counts.popular import Popular
from likewise.recommenders.linear.ease import Ease
from likewise.recommenders.updated.appended import AppendedRecommender
from likewise.recommenders.updated.frozen import FrozenRecommender
from likewise.recommenders.updated.retrained import RetrainedRecommender

SIZE, PEOPLE, STEPS = 14, 25, 4
BASES: dict[str, Callable[[], FittedRecommender]] = {
    "cosine": lambda: ItemKnn(shrinkage=2.0),
    "jaccard": lambda: ItemKnn("jaccard", neighbours=3),
    "lift": lambda: ItemKnn("lift"),
    "cooccurrence": lambda: Cooccurrence(window=3),
    "whole histories": lambda: Cooccurrence(window=50, backward=0.0, popularity_power=0.0),
    "ease": lambda: Ease(l2=5.0),
}


@pytest.fixture(scope="module")
def data(event_maker: Callable[..., ProductData]) -> ProductData:
    return event_maker(SIZE, [[0]])


def arriving() -> Iterator[tuple[Histories, np.ndarray]]:
    """All events so far and the numbers of new ones, of people of whom some come later.

    People have products again, also new ones twice in one step, and some steps change nothing for
    them.
    """
    generator = np.random.default_rng(1)
    sequences: list[list[int]] = [[] for _ in range(PEOPLE)]
    for step in range(STEPS):
        before = [len(one) for one in sequences]
        for person in range(10 + 5 * step):
            more = generator.integers(0, 8 + 2 * step, generator.integers(0, 5))
            sequences[person] += [*more.tolist(), *more[:1].tolist()]
        there = [person for person in range(PEOPLE) if sequences[person]]
        new = [len(sequences[person]) - before[person] for person in there]
        yield Histories.of([sequences[person] for person in there]), np.array(new)


@pytest.mark.parametrize("name", BASES)
def test_added_counts_give_what_a_fit_to_all_events_gives(name: str, data: ProductData) -> None:
    """Also after what was learned was saved and loaded in between."""
    appended = AppendedRecommender(BASES[name]())
    steps = arriving()
    appended.fit(next(steps)[0], data, 0)
    for histories, new in steps:
        loaded = AppendedRecommender(BASES[name]())
        loaded.load_state_dict(appended.state_dict())
        before = loaded.scores(histories)
        loaded.update(histories, new, data, 0)
        fitted = BASES[name]()
        fitted.fit(histories, data, 0)
        torch.testing.assert_close(loaded.scores(histories), fitted.scores(histories))
        assert not torch.allclose(before, fitted.scores(histories))
        appended = loaded


def test_frozen_stays_and_retrained_is_fitted_anew(data: ProductData) -> None:
    steps = list(arriving())
    (first, _), (last, new) = steps[0], steps[-1]
    frozen, retrained = FrozenRecommender(Popular()), RetrainedRecommender(Popular())
    for one in (frozen, retrained):
        one.fit(first, data, 0)
        one.update(last, new, data, 0)
    for one, histories in ((frozen, first), (retrained, last)):
        assert one.scores(last)[0].tolist() == histories.matrix(SIZE).sum(0).A1.tolist()


def test_bases_that_do_not_count_are_refused() -> None:
    with pytest.raises(LikewiseError, match=r"Popular, to which new events cannot be added"):
        AppendedRecommender(Popular())
