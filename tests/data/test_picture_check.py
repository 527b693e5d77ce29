"""Which pictures can be used, and how they are read."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encoded_picture
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from likewise.data import picture_check
from likewise.data.picture_check import UnusablePicture, placeholders, read_picture, why_unusable


def saved(picture: Pillow.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def corner(mode: str, colour: Any, kind: str = "PNG", **options: Any) -> tuple[int, ...]:
    """The first pixel, as it is read, of a picture that has one other pixel elsewhere."""
    picture = Pillow.new(mode, (10, 10), colour)
    picture.paste(Pillow.new("L", (3, 3)).convert(mode), (7, 7))
    return read_picture(saved(picture, kind, **options)).getpixel((0, 0))


def test_all_modes_become_rgb():
    assert corner("RGB", (1, 2, 3)) == (1, 2, 3)
    assert corner("L", 200) == (200,) * 3
    assert corner("1", 1) == (255,) * 3
    assert corner("RGBA", (255, 0, 0, 255)) == (255, 0, 0)
    assert corner("RGBA", (9, 9, 9, 0)) == (255,) * 3
    assert corner("LA", (0, 128)) == (127,) * 3
    assert corner("I;16", 32896) == (128,) * 3
    assert corner("CMYK", (0, 255, 255, 0), "TIFF") == (255, 0, 0)
    assert corner("F", 0.5, "TIFF") == (128,) * 3
    palette = Pillow.new("P", (10, 10), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.putpixel((9, 9), 0)
    assert read_picture(saved(palette)).getpixel((0, 0)) == (10, 20, 30)
    assert read_picture(saved(palette, transparency=1)).getpixel((0, 0)) == (255,) * 3


def test_exif_orientation_is_applied():
    picture = Pillow.new("RGB", (20, 10))
    picture.paste((255, 255, 255), (0, 0, 10, 10))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turn by 90° clockwise
    read = read_picture(saved(picture, "PNG", exif=exif))
    assert read.size == (10, 20)
    assert [read.getpixel((5, y)) for y in (2, 17)] == [(255,) * 3, (0,) * 3]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (lambda folder: folder / "none.png", "missing file"),
        (lambda folder: folder, "no regular file"),
        (lambda folder: "\0", "missing file"),
        (lambda folder: b"", "corrupt"),
        (lambda folder: b"GIF89a", "corrupt"),
        (lambda folder: encoded_picture()[:80], "corrupt"),
        (lambda folder: encoded_picture(size=(7, 30)), "too small"),
        (lambda folder: saved(Pillow.new("RGB", (30, 30), "red")), "single colour"),
        (lambda folder: saved(Pillow.new("RGBA", (30, 30), (1, 2, 3, 0))), "single colour"),
        (lambda folder: encoded_picture(size=(8, 8)), None),
    ],
)
def test_unusable_pictures(source: Callable[[Path], Any], reason: str | None, tmp_path: Path):
    assert why_unusable(source(tmp_path)) == reason


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("limit", [100, 10])
def test_decompression_bombs(limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", limit)  # 108 pixels: a warning, an error
    with pytest.raises(UnusablePicture, match="too large"):
        read_picture(encoded_picture())


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(deadline=None, max_examples=200)
@given(st.data())
def test_damaged_pictures_never_crash(data: st.DataObject):
    whole = bytearray(
        encoded_picture(kind=data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"])))
    )
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    assert why_unusable(bytes(whole[: data.draw(st.integers(0, len(whole)))])) in (
        None, "corrupt", "too small", "too large", "single colour"
    )  # fmt: skip


def test_placeholders_need_both_a_number_and_a_share():
    digests = np.repeat(np.arange(3, dtype=np.uint64), [19, 20, 21])
    assert placeholders(digests).tolist() == [1, 2]
    many = np.concatenate([digests, np.arange(10, 1990, dtype=np.uint64)])
    assert placeholders(many).tolist() == [2]  # 1 % of 2040 is 20.4
    assert placeholders(digests[:0]).tolist() == []
    same = {picture_check.digest(encoded_picture()), picture_check.digest(encoded_picture())}
    assert len(same) == 1
    assert picture_check.digest(encoded_picture(seed=1)) not in same
