"""Quality after each step of updates: worked examples, and the memory of old products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from likewise.data.arrivals import arrival_steps, replay_memory
from likewise.data.relevance import Groups
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError
from likewise.metrics.recall import RecallAtK
from likewise.metrics.updating import CompatibilityGain, Forgetting, NewProducts, OldIndex
from likewise.similarity.euclidean import Euclidean
from likewise.tasks.updating import Updating


def test_groups_arrive_once_in_a_fixed_order() -> None:
    groups = np.repeat([0, 1, 2, 4, 5, 6, 7, 8, 9, 10], 3)
    found = arrival_steps(groups, 4, 0.4, seed=0)
    assert found[3] == -1
    assert np.bincount(np.delete(found, 3)).tolist() == [4, 2, 2, 2]
    assert found.tolist() == arrival_steps(groups, 4, 0.4, seed=0).tolist()
    assert found.tolist() != arrival_steps(groups, 4, 0.4, seed=1).tolist()


def test_the_memory_is_bounded_even_and_never_needs_what_it_gave_up() -> None:
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 6, 80)
    groups[:2] = 6
    priority = generator.permutation(len(groups))
    before: set[int] = set()
    for arrived in range(1, 8):
        old = np.flatnonzero(groups < arrived)
        kept = old[replay_memory(groups[old], 20, priority[old])]
        assert len(kept) == min(20, len(old))
        counts = np.bincount(groups[kept])
        # Even, but for groups that have no more products.
        assert all(
            count >= counts.max() - 1 or count == (groups == group).sum()
            for group, count in enumerate(counts)
        )
        # What is kept of groups that were there before was in the memory before.
        assert {row for row in kept.tolist() if groups[row] < arrived - 1} <= before
        before = set(kept.tolist())
    assert replay_memory(groups, 0, priority).tolist() == []


# Six products of three groups, of which the last arrives in step 1, on a line.
GROUPS = torch.tensor([0, 0, 1, 1, 2, 2])
ARRIVAL = torch.tensor([0, 0, 0, 0, 1, 1])
BASE = torch.tensor([[0.0], [1.0], [10.0], [11.0], [0.4], [20.0]])
# Products 0 and 1 have moved apart from each other, and the new ones next to each other.
UPDATED = torch.tensor([[0.0], [9.0], [10.0], [11.0], [30.0], [31.0]])


def task() -> Updating:
    metrics = {
        "new": NewProducts(),
        "forgetting": Forgetting(),
        "old_index": OldIndex(),
        "compatibility": CompatibilityGain(),
    }
    return Updating(metrics, Euclidean(), RecallAtK(1))


def test_a_worked_example_of_forgetting_and_of_the_old_index() -> None:
    judge = task()
    queries, searches = judge._searches([BASE, UPDATED], GROUPS, ARRIVAL)
    assert queries.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]
    # In the base, every query finds its group, as products 4 and 5 are not there yet.
    assert searches.quality[:4].tolist() == [1, 1, 1, 1]
    # After the update, 0 finds 1 (9 away), 1 finds 2, 2 has 1 and 3 at the same distance and
    # takes the earlier one, and 3 finds 2.
    assert searches.quality[4:].tolist() == [1, 0, 0, 1, 1, 1]
    forgotten = judge.metrics["forgetting"].per_search(searches)
    assert np.isnan(forgotten[[0, 1, 2, 3, 8, 9]]).all()
    assert forgotten[4:8].tolist() == [0, 100, 100, 0]
    assert judge.metrics["forgetting"](searches) == 50
    assert judge.metrics["new"](searches) == 1
    # Updated queries among the other base embeddings: 0 finds 1, 9 finds 10 of another group,
    # 10 finds 11, and 11 finds 10.
    assert searches.old_index[4:8].tolist() == [1, 0, 1, 1]
    assert judge.metrics["compatibility"](searches) == pytest.approx(-25)


def test_products_that_came_later_do_not_count_as_forgetting() -> None:
    # The new products lie between those of group 0, whose embeddings did not change.
    moved = BASE.clone()
    moved[4:] = torch.tensor([[0.4], [0.6]])
    judge = task()
    _, searches = judge._searches([BASE, moved], GROUPS, ARRIVAL)
    assert searches.quality[4:6].tolist() == [0, 0]
    assert judge.metrics["forgetting"](searches) == 0
    assert judge.metrics["old_index"](searches) == 1


def test_data_whose_groups_never_arrive_are_refused() -> None:
    data = Synthetic(products=60, groups=6).load()
    groups = data.get(Groups)
    # Product i is of group i modulo 6.
    splits = {
        "train": np.arange(0, 30, 6),
        "validation": np.arange(30, 45),
        "test": np.arange(45, 60),
    }
    found = Groups.of(groups.labels, groups.names, splits)
    with pytest.raises(LikewiseError, match="5 groups of the validation products"):
        task().check(replace(data, splits=splits, relevance=(found,)), "test")
