"""Augmentation against a loop over pictures."""

from __future__ import annotations

import pytest
import torch

from likewise.data.augmentation import ImageAugmentation
from likewise.errors import LikewiseError


def candidates(image: torch.Tensor, shift: int) -> list[torch.Tensor]:
    """Every flip and shift of one picture, by padding and cropping."""
    made = []
    for flipped in (image, image.flip(-1)):
        padded = torch.nn.functional.pad(flipped, (shift,) * 4)
        h, w = image.shape[-2:]
        for top in range(2 * shift + 1):
            for left in range(2 * shift + 1):
                made.append(padded[..., top : top + h, left : left + w])
    return made


def test_each_picture_is_a_flip_and_shift_of_itself_drawn_on_its_own() -> None:
    torch.manual_seed(0)
    images = torch.rand(64, 3, 7, 5)
    changed = ImageAugmentation(max_shift=2, flip_probability=0.5)(images)
    places = []
    for image, result in zip(images, changed, strict=True):
        matches = [torch.equal(result, one) for one in candidates(image, 2)]
        assert any(matches)
        places.append(matches.index(True))
    assert len(set(places)) > 20


def test_off_is_the_identity() -> None:
    images = torch.rand(4, 1, 6, 6)
    assert torch.equal(
        ImageAugmentation(max_shift=0, flip_probability=0.0, erase_probability=0.0)(images), images
    )


def test_erase_blanks_one_rectangle() -> None:
    torch.manual_seed(0)
    changed = ImageAugmentation(
        max_shift=0, flip_probability=0.0, erase_probability=1.0, erase_side=0.5
    )(torch.ones(50, 2, 8, 6))
    assert torch.equal((changed == 0).flatten(1).sum(1), torch.full((50,), 2 * 4 * 3))


def test_seed_decides() -> None:
    images = torch.rand(8, 1, 9, 9)
    torch.manual_seed(5)
    first = ImageAugmentation()(images)
    torch.manual_seed(5)
    assert torch.equal(first, ImageAugmentation()(images))


def test_a_crop_enlarges_a_part() -> None:
    torch.manual_seed(0)
    # The brightness rises to the right, so its range is the width of the part that is seen.
    ramp = torch.linspace(0, 1, 20).expand(50, 1, 20, 20)
    changed = ImageAugmentation(max_shift=0, flip_probability=0.0, min_crop_area=0.25)(ramp)
    assert changed.shape == ramp.shape
    width = changed[..., 10, -1] - changed[..., 10, 0]
    assert width.min() > 0.35
    assert width.max() < 1.01
    assert width.std() > 0.05


def test_brightness_is_one_factor_a_picture() -> None:
    torch.manual_seed(0)
    images = torch.full((50, 3, 4, 4), 0.4)
    changed = ImageAugmentation(max_shift=0, flip_probability=0.0, max_log_brightness=0.5)(images)
    assert torch.equal(changed, changed[:, :1, :1, :1].expand_as(changed))
    factors = changed[:, 0, 0, 0] / 0.4
    assert factors.log().abs().max() <= 0.5001
    assert len(factors.unique()) == 50


@pytest.mark.parametrize(
    "wrong", [{"min_crop_area": 0.0}, {"min_crop_area": 1.5}, {"max_log_brightness": -1.0}]
)
def test_impossible_crops_and_brightness_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(LikewiseError, match=next(iter(wrong))):
        ImageAugmentation(**wrong)
