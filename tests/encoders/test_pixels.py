"""The encoder that is the picture itself."""

from __future__ import annotations

import pytest
import torch

from likewise.encoders.pixels import Pixels
from likewise.errors import LikewiseError


def test_the_embedding_is_the_picture() -> None:
    images = torch.rand(3, 2, 4, 6)
    encoder = Pixels((2, 4, 6))
    assert torch.equal(encoder(images), images.flatten(1))
    assert encoder.embedding_size == 48
    assert encoder.count_parameters() == 0


def test_a_smaller_picture_holds_means() -> None:
    images = torch.rand(3, 2, 4, 6)
    embeddings = Pixels((2, 4, 6), image_size=2)(images)
    assert embeddings.shape == (3, 8)
    torch.testing.assert_close(embeddings[:, 0], images[:, 0, :2, :3].mean((1, 2)))


@pytest.mark.parametrize("size", [0, 5])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(LikewiseError, match=r"encoder\.image_size"):
        Pixels((2, 4, 6), image_size=size)
