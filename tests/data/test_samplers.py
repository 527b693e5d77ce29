"""What an epoch holds, counted; and a training on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.cli import main
from likewise.data.modalities.image import Images
from likewise.data.module import ProductModule
from likewise.data.relevance import Groups
from likewise.data.samplers.m_per_class import MPerClass
from likewise.data.samplers.uniform import Uniform
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError


def epoch(sampler: MPerClass | Uniform, groups: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return sampler.epoch(groups, torch.Generator().manual_seed(seed))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 23), min_size=1, max_size=8), st.integers(2, 5), st.integers(0, 9))
def test_hands_are_of_one_group_and_every_product_is_dealt(
    sizes: list[int], m: int, seed: int
) -> None:
    groups = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    found = epoch(MPerClass(m, 2 * m), groups, seed)
    hands = groups[found].view(-1, m)
    assert (hands == hands[:, :1]).all()
    times = torch.bincount(found, minlength=len(groups))
    assert times.min() >= 1
    # A hand is filled up, none is dealt in vain.
    for group, size in enumerate(sizes):
        assert int(times[groups == group].sum()) == -(-size // m) * m


def test_batches_of_equal_groups_hold_each_group_once() -> None:
    groups = torch.arange(10).repeat(40)
    batches = groups[epoch(MPerClass(4, 40), groups)].view(-1, 40)
    assert (batches.sort(1).values == torch.arange(10).repeat_interleave(4)).all()


def test_a_large_group_is_spread_over_the_epoch() -> None:
    groups = torch.tensor([0] * 100 + [1 + row // 4 for row in range(100)])
    places = (groups[epoch(MPerClass(4, 8), groups)].view(-1, 4)[:, 0] == 0).nonzero().flatten()
    halves = (places < 25).sum(), (places >= 25).sum()
    assert all(abs(int(half) - 12.5) < 5 for half in halves)


@pytest.mark.parametrize("sampler", [MPerClass(2, 8), Uniform()])
def test_chance_is_the_generator_s(sampler: MPerClass | Uniform) -> None:
    groups = torch.arange(4).repeat(9)
    assert torch.equal(epoch(sampler, groups), epoch(sampler, groups))
    assert not torch.equal(epoch(sampler, groups), epoch(sampler, groups, seed=1))


def test_mistakes_are_named() -> None:
    for m, batch_size, message in ((1, 8, "at least 2"), (3, 8, "multiple"), (8, 8, "larger")):
        with pytest.raises(LikewiseError, match=message):
            MPerClass(m, batch_size)


def test_trains_from_the_command_line(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*small, "encoder=mlp", "sampler=m_per_class"]
    assert main(["train", *options]) == 0
    (result,) = tmp_path.rglob("result.json")
    assert json.loads(result.read_text())["metrics"]["test/map_at_r"] > 0.3
    assert main(["train", *options, "sampler.m=7"]) == 1
    assert "batch_size=40 must be a multiple of sampler.m=7" in capsys.readouterr().err


def test_products_of_unknown_groups_are_not_trained_on_and_never_right() -> None:
    data = Synthetic(products=60, groups=6).load()
    groups = data.get(Groups)
    unknown = np.concatenate([rows[:3] for rows in data.splits.values()])
    known = np.setdiff1d(np.arange(60), unknown)
    some = Groups.of(groups.labels[known], groups.names, data.splits, known)
    reader = Images()
    reader.fit(data.catalogue, data.splits["train"])
    module = ProductModule(replace(data, relevance=(some,)), {"image": reader}, 4, 0)
    (train_groups,) = module.units(Groups, "train").targets
    assert len(train_groups) == len(data.splits["train"]) - 3
    assert (train_groups < 6).all()
    _, test_groups = module.split("test")
    assert len(test_groups) == len(data.splits["test"])
    alike = (test_groups[:, None] == test_groups).sum(1)
    assert (alike[test_groups >= 6] == 1).all()
    assert int((test_groups >= 6).sum()) == 3
