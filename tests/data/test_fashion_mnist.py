"""Reading the IDX files, their splits, and what is said of damaged ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from conftest import make_pictures, write_data, write_idx

from likewise.data.images import image_array
from likewise.data.relevance import Groups
from likewise.data.sources.fashion_mnist import FashionMNIST
from likewise.data.splits import stratified_sample
from likewise.errors import LikewiseError


def test_pictures_and_groups_are_those_of_the_files(pictures: Path) -> None:
    data = FashionMNIST(str(pictures), validation_size=40).load()
    images, groups = make_pictures(160, 4, seed=0)
    assert np.array_equal(image_array(data.catalogue)[:160, 0], images)
    assert np.array_equal(data.get(Groups).labels[:160], groups)
    assert data.catalogue[3]["product_id"] == "train-3"
    assert data.catalogue[160]["product_id"] == "test-0"
    assert np.array_equal(np.array(data.catalogue[7]["image"])[0], images[7])


def test_selected_rows_keep_their_pictures(pictures: Path) -> None:
    data = FashionMNIST(str(pictures), validation_size=40).load()
    every = image_array(data.catalogue)
    assert np.array_equal(image_array(data.catalogue.select([9, 2, 170])), every[[9, 2, 170]])


def test_splits_share_nothing_and_are_stratified(pictures: Path) -> None:
    data = FashionMNIST(str(pictures), validation_size=40, train_size=80, test_size=20).load()
    rows = np.concatenate(list(data.splits.values()))
    assert len(np.unique(rows)) == len(rows) == 140
    assert data.splits["test"].min() >= 160 > data.splits["train"].max()
    for split in data.splits.values():
        counts = np.bincount(data.get(Groups).labels[split])
        assert counts.max() - counts.min() <= 1


def test_the_draw_is_a_function_of_its_seed() -> None:
    groups = np.repeat(np.arange(5), [50, 10, 10, 20, 10])
    first, again, other = (stratified_sample(groups, 50, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(np.bincount(groups[first]), [25, 5, 5, 10, 5])


def test_fingerprint_follows_content_not_place(tmp_path: Path) -> None:
    one, same, other = (
        FashionMNIST(str(write_data(tmp_path / name, test=test)), validation_size=40).load()
        for name, test in (("one", 60), ("same", 60), ("other", 61))
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize("damage", ["cut", "short", "magic", "missing", "labels", "high"])
def test_damage_is_one_sentence_that_names_the_file(tmp_path: Path, damage: str) -> None:
    folder = write_data(tmp_path)
    images = folder / "train-images-idx3-ubyte.gz"
    labels = folder / "train-labels-idx1-ubyte.gz"
    if damage == "cut":
        images.write_bytes(images.read_bytes()[:5000])
    elif damage == "short":
        images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes())[:-7]))
    elif damage == "magic":
        images.write_bytes(labels.read_bytes())
    elif damage == "missing":
        labels.unlink()
    elif damage == "labels":
        write_idx(labels, np.zeros(159))
    else:
        write_idx(labels, np.full(160, 11))
    with pytest.raises(LikewiseError) as caught:
        FashionMNIST(str(folder), validation_size=40).load()
    assert str(tmp_path) in str(caught.value)


def test_missing_folder_and_wrong_sizes(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match=r"no Fashion-MNIST files in .*nowhere"):
        FashionMNIST(str(tmp_path / "nowhere")).load()
    with pytest.raises(LikewiseError, match="validation_size=160"):
        FashionMNIST(str(pictures), validation_size=160).load()
    with pytest.raises(LikewiseError, match="train_size=121 must lie between 1 and 120"):
        FashionMNIST(str(pictures), validation_size=40, train_size=121).load()
