"""Perceptual hashes of pictures against those of imagehash."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from conftest import smooth_pictures
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from likewise.data.image_hash import perceptual_hashes


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=8, max_side=40)))
@settings(max_examples=60, deadline=None)
def test_hash_is_that_of_imagehash(picture: np.ndarray) -> None:
    check_hash(picture[None])


@pytest.mark.parametrize(("channels", "seed"), [(1, 0), (1, 1), (3, 2)])
def test_hashes_of_a_batch_are_those_of_imagehash(channels: int, seed: int) -> None:
    images = smooth_pictures(40, seed, channels)
    noise = np.random.default_rng(seed).normal(0, 30, images.shape)
    check_hash(*images, *np.clip(images + noise, 0, 255).astype(np.uint8))


def check_hash(*images: np.ndarray) -> None:
    hashes = perceptual_hashes(np.stack(images))
    assert hashes.dtype == np.uint64
    for image, found in zip(images, hashes, strict=True):
        picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
        assert f"{found:016x}" == str(imagehash.phash(picture))


def test_other_channels_are_averaged() -> None:
    image = smooth_pictures(2, 0, channels=2)
    grey = image.mean(axis=1, keepdims=True).round().astype(np.uint8)
    assert np.array_equal(perceptual_hashes(image), perceptual_hashes(grey))
