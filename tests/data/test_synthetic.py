"""Generated catalogues: deterministic, and as alike as they say."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likewise.cli import main
from likewise.data.catalogue import catalogue_features
from likewise.data.images import image_array
from likewise.data.relevance import Events, Groups, Pairs
from likewise.data.sources.synthetic import LATENTS, WEIGHTS, Synthetic
from likewise.errors import LikewiseError


def test_everything_is_a_function_of_the_arguments() -> None:
    one, same, other = Synthetic().load(), Synthetic().load(), Synthetic(seed=1).load()
    assert one.catalogue.to_dict() == same.catalogue.to_dict()
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.catalogue["title"][:] != other.catalogue["title"][:]
    assert one.get(Events).events.to_dict() == same.get(Events).events.to_dict()
    more = Synthetic(users=61).load()
    assert np.array_equal(image_array(more.catalogue), image_array(one.catalogue))


def test_it_is_quick_and_typed_as_a_catalogue() -> None:
    # This imports ``datasets``, whose import is not to be timed.
    known = catalogue_features()
    start = time.process_time()
    data = Synthetic().load()
    assert time.process_time() - start < 1
    for name, kind in data.catalogue.features.items():
        assert name == "image" or kind == known[name]
    assert image_array(data.catalogue).shape == (300, 3, 32, 32)


def test_true_similarity_against_a_count_by_hand() -> None:
    source = Synthetic(products=60, groups=6)
    latents, rows = source.latents(), np.array([0, 6, 13, 59])
    similarity = source.true_similarity(rows, np.arange(60))
    for place, row in enumerate(rows):
        for other in range(60):
            shared = [
                weight
                for weight, a, b in zip(WEIGHTS, latents[row], latents[other], strict=True)
                if a == b
            ]
            assert similarity[place, other] == pytest.approx(sum(shared))
    groups = source.load().get(Groups).labels
    assert np.array_equal(similarity > 1 - 1e-9, groups[rows][:, None] == groups[None])
    assert np.isclose(WEIGHTS.sum(), 1)


def test_texts_and_attributes_tell_the_latents() -> None:
    source = Synthetic(products=60, groups=6)
    catalogue, latents = source.load().catalogue, source.latents()
    for row in range(60):
        title = catalogue[row]["title"].lower()
        attributes = {pair["name"]: pair["value"] for pair in catalogue[row]["attributes"]}
        for (name, values), value in zip(LATENTS.items(), latents[row], strict=True):
            assert any(word.lower() in title for word in values[value])
            assert attributes.get(name, values[value][0]) == values[value][0]


def test_pictures_of_a_group_are_closer_than_others() -> None:
    data = Synthetic(products=120, groups=12).load()
    # Means over 4 x 4 pixels, so that the shift of a shape counts less.
    images = image_array(data.catalogue).astype(float).reshape(120, 3, 8, 4, 8, 4).mean((3, 5))
    flat = images.reshape(120, -1)
    distance = np.linalg.norm(flat[:, None] - flat[None], axis=2) + np.diag(np.full(120, np.inf))
    groups = data.get(Groups).labels
    same = groups[distance.argmin(axis=1)] == groups
    assert same.mean() > 0.8


@pytest.mark.parametrize("split_by", ["product", "group"])
def test_splits_and_pairs(split_by: str) -> None:
    data = Synthetic(split_by=split_by).load()
    rows = np.concatenate(list(data.splits.values()))
    assert len(np.unique(rows)) == len(rows) == 300
    groups, found = data.get(Groups).labels, data.get(Pairs)
    kinds = [set(groups[split]) for split in data.splits.values()]
    expected = [30, 30, 30] if split_by == "product" else [18, 6, 6]
    assert [len(kind) for kind in kinds] == expected
    left, right, labels = found.left, found.right, found.labels
    assert np.array_equal(labels == 1, groups[left] == groups[right])
    for name, pairs in found.splits.items():
        assert np.isin(left[pairs], data.splits[name]).all()
        assert np.isin(right[pairs], data.splits[name]).all()
        assert set(labels[pairs]) == {0, 1}


def test_people_choose_by_their_taste() -> None:
    source = Synthetic(users=80, events=12)
    data = source.load()
    events, splits = data.get(Events).events, data.get(Events).splits
    assert sorted(np.concatenate(list(splits.values()))) == list(range(960))
    product = np.array(events["product"][:]).reshape(80, 12)
    last = np.array(events["product"][:])[splits["test"]]
    assert np.array_equal(last, product[:, -1])
    own = np.mean([source.true_similarity(seen[:-1], seen[-1:]).mean() for seen in product])
    others = source.true_similarity(product[:, :-1].ravel(), last).mean()
    assert own > 1.5 * others


def test_sizes_that_cannot_be() -> None:
    for wrong, sentence in (
        ({"groups": 2}, "groups=2 must lie between 3 and 3600"),
        ({"groups": 31}, "products=300 must be at least 310 for 31 groups"),
        ({"split_by": "user"}, "split_by=user must be product or group"),
        ({"events": 2}, "events=2 must be at least 3"),
        ({"image_size": 7}, "image_size=7 must be at least 8"),
    ):
        with pytest.raises(LikewiseError, match=sentence):
            replace(Synthetic(), **wrong).load()


@pytest.mark.parametrize("encoder", ["mlp", "cnn"])
def test_it_trains(encoder: str, tmp_path: Path) -> None:
    overrides = [
        "data=synthetic",
        "data.products=100",
        "data.groups=10",
        "data.image_size=16",
        f"encoder={encoder}",
        "batch_size=30",
        "embedding_size=16",
        "trainer.max_epochs=1",
        "trainer.accelerator=cpu",
        "logger=none",
        f"output={tmp_path}",
    ]
    assert main(["train", *overrides]) == 0
    assert list(tmp_path.rglob("result.json"))
