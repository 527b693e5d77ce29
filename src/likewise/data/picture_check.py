"""Reading of pictures as RGB, and the reasons why some cannot be used."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from likewise.data.regular_file import NotRegular, TooLarge, read_regular

# Pixels per side; nothing can be recognised in smaller pictures.
SMALLEST = 8
# The largest size of a picture file in bytes, about twice that of a photograph of 60 megapixels.
LARGEST_FILE = 64 * 2**20

# Modes of grey pictures with more than 8 bits per pixel, and their value of white.
WHITE = {"I;16": 65535, "I;16L": 65535, "I;16B": 65535, "I;16N": 65535, "I": 65535}


class UnusablePicture(Exception):
    """A picture that cannot be used; ``reason`` says why in a word or two."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_picture(source: bytes | str | Path) -> Image.Image:
    """The picture in RGB, upright as its EXIF orientation says, transparent parts white.

    Args:
        source: the encoded picture, or the path of its file.

    Raises:
        UnusablePicture: ``missing file``; ``no regular file`` (a folder, a pipe or a device);
            ``file too large`` (more bytes than ``LARGEST_FILE``); ``too large`` (more pixels than
            Pillow's limit against decompression bombs, ``PIL.Image.MAX_IMAGE_PIXELS``);
            ``corrupt``; ``too small`` (a side below ``SMALLEST``); ``single colour``.
    """
    encoded = source if isinstance(source, bytes) else picture_bytes(source)
    try:
        picture = _rgb(_upright(_decoded(encoded)))
    except Image.DecompressionBombError:
        raise UnusablePicture("too large") from None
    except UnusablePicture:
        raise
    # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, IndexError and more.
    except Exception as error:
        raise UnusablePicture("corrupt") from error
    if min(picture.size) < SMALLEST:
        raise UnusablePicture("too small")
    if picture.getcolors(maxcolors=1) is not None:
        raise UnusablePicture("single colour")
    return picture


def why_unusable(source: bytes | str | Path) -> str | None:
    """The reason why ``read_picture`` cannot use the picture, ``None`` where it can."""
    try:
        read_picture(source)
    except UnusablePicture as error:
        return error.reason
    return None


def digest(source: bytes | str | Path) -> int | None:
    """A number for the bytes of a picture, below 2⁶⁴; ``None`` where its file cannot be read.

    Among a million different pictures, two have the same with a probability of 3e-8.
    """
    try:
        encoded = source if isinstance(source, bytes) else picture_bytes(source)
    except UnusablePicture:
        return None
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big")


def placeholders(
    digests: np.ndarray, min_products: int = 20, min_share: float = 0.01
) -> np.ndarray:
    """Find placeholders: pictures that so many products share that they cannot show the product.

    Args:
        digests: uint64 [n], of the pictures of a catalogue.
        min_products: minimum number of products that share a placeholder.
        min_share: minimum share of a placeholder among all pictures.

    Returns:
        uint64 [p], the digests of the placeholders, ascending.
    """
    found, counts = np.unique(digests, return_counts=True)
    return found[(counts >= min_products) & (counts >= min_share * len(digests))]


def picture_bytes(path: str | Path) -> bytes:
    """The content of a picture file; raises ``UnusablePicture`` as ``read_picture`` says."""
    try:
        return read_regular(Path(path), LARGEST_FILE)
    except NotRegular:
        raise UnusablePicture("no regular file") from None
    except TooLarge:
        raise UnusablePicture("file too large") from None
    # A ValueError is for a path that no file can have.
    except (OSError, ValueError):
        raise UnusablePicture("missing file") from None


def _decoded(encoded: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(encoded))
    # Up to twice its limit Pillow only warns.
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and picture.width * picture.height > limit:
        raise UnusablePicture("too large")
    picture.load()
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    # Damaged EXIF data raise as many kinds of errors as damaged pictures; the pixels are sound.
    except Exception:
        return picture


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in WHITE:
        return _eight_bit(np.asarray(picture), WHITE[picture.mode])
    if picture.mode == "F":
        values = np.asarray(picture)
        return _eight_bit(values, 1 if values.max() <= 1 else 255)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


def _eight_bit(values: np.ndarray, white: int) -> Image.Image:
    scaled = np.clip(values.astype(np.float64) * (255 / white), 0, 255).round()
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
