"""Conversion of encoded pictures of any size to one uint8 array."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from likewise.data.memory import check_image_size, check_memory
from likewise.data.picture_check import UnusablePicture, read_picture
from likewise.errors import LikewiseError


def letterbox(picture: Image.Image, size: int) -> np.ndarray:
    """Fit an RGB picture into a square, uint8 [3, size, size].

    The proportions are kept: the longer side is scaled to ``size`` (bilinear, antialiased) and the
    picture is centred. The rest is white, like the background of most shops' pictures.
    """
    scale = size / max(picture.size)
    fitted = [max(1, round(side * scale)) for side in picture.size]
    small = picture.resize((fitted[0], fitted[1]), Image.Resampling.BILINEAR)
    square = np.full((size, size, 3), 255, np.uint8)
    left, top = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    square[top : top + fitted[1], left : left + fitted[0]] = np.asarray(small)
    return square.transpose(2, 0, 1)


def decode_all(pictures: Sequence[bytes | Path], names: Sequence[str], size: int) -> np.ndarray:
    """Decode pictures on all cores and ``letterbox`` them, uint8 [n, 3, size, size].

    Args:
        pictures: encoded, or files.
        names: names of the pictures, for error messages.
        size: side in pixels.

    Raises:
        LikewiseError: for a picture that cannot be used, and for a size out of bounds or beyond the
            machine's memory.
    """
    check_image_size(size)
    # They are copied once, into a catalogue.
    check_memory(
        2 * len(pictures) * 3 * size**2,
        f"{len(pictures):,} pictures with data.image_size={size}",
        "set a smaller data.image_size",
    )
    squares = np.empty((len(pictures), 3, size, size), np.uint8)

    def fill(place: int) -> None:
        try:
            squares[place] = letterbox(read_picture(pictures[place]), size)
        except UnusablePicture as error:
            raise LikewiseError(
                f"the picture {names[place]} cannot be used ({error.reason}); fetch it again"
            ) from error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(fill, range(len(pictures))):
            pass
    return squares
