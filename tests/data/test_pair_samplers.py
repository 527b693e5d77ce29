"""Samplers that know labelled pairs: who meets whom in a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from likewise.data.catalogue import ProductData
from likewise.data.relevance import Groups, Pairs
from likewise.data.samplers.hard_pair import HardPair
from likewise.data.samplers.source_aware import SourceAware
from likewise.data.sources.synthetic import Synthetic
from likewise.errors import LikewiseError


def two_shops(number: int = 40) -> ProductData:
    """Offer i of the left shop matches offer i of the right one for the first ten, and each is
    compared with the next; products 0 … n-1 are left, n … 2n-1 right."""
    data = Synthetic(products=2 * number, groups=8).load()
    here = np.arange(number)
    left = np.concatenate([here[:10], here])
    right = np.concatenate([here[:10], (here + 1) % number]) + number
    labels = np.repeat([1, 0], [10, number])
    pairs = Pairs(left, right, labels, {"train": np.arange(len(labels))})
    groups = np.arange(2 * number)
    groups[number : number + 10] = np.arange(10)
    names = list(map(str, groups))
    return replace(data, relevance=(pairs, Groups.of(groups, names, data.splits)))


def test_source_aware_batches_are_of_one_shop_and_known_matches() -> None:
    data, rows = two_shops(), np.arange(80)[None]
    sampler = SourceAware(batch_size=8)
    sampler.prepare(data, rows)
    groups = torch.from_numpy(data.get(Groups).labels)
    order = sampler.epoch(groups, torch.Generator().manual_seed(0))
    assert len(order) >= 80
    assert len(order) % 8 == 0
    matched = set(range(10)) | set(range(40, 50))
    together = 0
    for batch in order.split(8):
        others = [row for row in batch.tolist() if row not in matched]
        assert len({row >= 40 for row in others}) <= 1
        assert len(set(batch.tolist())) == 8
        together += len(batch) - len(set(groups[batch].tolist()))
    # A match mostly stands beside its partner.
    assert together >= 10
    again = sampler.epoch(groups, torch.Generator().manual_seed(0))
    assert torch.equal(order, again)


def test_matches_between_other_shops_never_meet_a_shop() -> None:
    """Of three shops, offers 0 … 19 are of the first, 20 … 39 of the second and the rest of the
    third; the first ten of the second match those of the third."""
    data = Synthetic(products=60, groups=6).load()
    shops = np.repeat(["one", "two", "three"], 20)
    left, right = np.arange(20, 40), np.roll(np.arange(40, 60), 5)
    labels = (np.arange(20) < 10).astype(np.int64)
    pairs = Pairs(left, right, labels, {"train": np.arange(20)})
    catalogue = data.catalogue.add_column("shop", shops.tolist())
    sampler = SourceAware(batch_size=5)
    sampler.prepare(replace(data, catalogue=catalogue, relevance=(pairs,)), np.arange(60)[None])
    groups = torch.from_numpy(pairs.components(60))
    matched = {*left[:10].tolist(), *right[:10].tolist()}
    for batch in sampler.epoch(groups, torch.Generator().manual_seed(0)).split(5):
        inside = set(batch.tolist())
        others = {shops[row] for row in inside - matched}
        assert len(others) <= 1
        if "one" in others:
            assert not inside & matched


def test_hard_pairs_share_batches() -> None:
    data, rows = two_shops(), np.arange(80)[None]
    sampler, groups = HardPair(), torch.from_numpy(data.get(Groups).labels)
    sampler.prepare(data, rows)
    order = sampler.epoch(groups, torch.Generator().manual_seed(1))
    assert sorted(order.tolist()) == list(range(80))
    place = torch.empty(80, dtype=torch.int64)
    place[order] = torch.arange(80) // 8
    left, right = (torch.from_numpy(side) for side in (data.get(Pairs).left, data.get(Pairs).right))
    meet = (place[left] == place[right]).float().mean()
    shuffled = place[torch.randperm(80, generator=torch.Generator().manual_seed(2))]
    assert meet > 0.6 > 0.3 > (shuffled[left] == shuffled[right]).float().mean()
    other = sampler.epoch(groups, torch.Generator().manual_seed(2))
    assert not torch.equal(order, other)


def test_pairs_of_other_products_are_not_walked() -> None:
    data = two_shops()
    sampler = HardPair()
    sampler.prepare(data, np.array([[0, 1, 40, 45]]))
    assert sampler.neighbours == [[2], [], [0], []]


@pytest.mark.parametrize("sampler", [SourceAware(8), HardPair()])
def test_without_pairs_another_sampler_is_named(sampler: SourceAware | HardPair) -> None:
    data = replace(two_shops(), relevance=())
    with pytest.raises(LikewiseError, match="needs labelled pairs, which"):
        sampler.prepare(data, np.arange(80)[None])


def test_source_aware_needs_two_sources_and_batches_that_fit() -> None:
    synthetic = Synthetic().load()
    with pytest.raises(LikewiseError, match="are on both sides"):
        SourceAware(8).prepare(synthetic, synthetic.splits["train"][None])
    sampler = SourceAware(64)
    sampler.prepare(two_shops(), np.arange(80)[None])
    with pytest.raises(LikewiseError, match="batch_size=64 is larger than"):
        sampler.epoch(torch.from_numpy(two_shops().get(Groups).labels), torch.Generator())
