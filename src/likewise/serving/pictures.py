"""Pictures that are uploaded, and pictures of products as PNG."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from likewise.data.images import has_pixels, image_array
from likewise.data.picture_check import UnusablePicture, read_picture
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from datasets import Dataset

# The formats of uploaded pictures: the media type of a request, and Pillow's name.
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
}
# Pixels of an uploaded picture; the decoded picture takes 3 bytes for each.
MAX_PIXELS = 25_000_000
# The longer side of a picture that is sent, in pixels.
MAX_SIDE = 320


def check_upload(content: bytes) -> None:
    """Check an uploaded picture; only its header is read before its size is known.

    Raises:
        LikewiseError: it is not a picture of one of ``FORMATS``, it has more than ``MAX_PIXELS``
            pixels, or it cannot be used.
    """
    known = ", ".join(FORMATS.values())
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures that are refused below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            header = Image.open(io.BytesIO(content), formats=list(FORMATS.values()))
    except Image.DecompressionBombError:
        raise LikewiseError(_too_many_pixels()) from None
    # Pillow raises OSError, SyntaxError, ValueError, struct.error and more for damaged headers.
    except Exception as error:
        raise LikewiseError(
            f"the content is not a picture that can be read; send a {known} file"
        ) from error
    if header.width * header.height > MAX_PIXELS:
        raise LikewiseError(_too_many_pixels())
    try:
        read_picture(content)
    except UnusablePicture as error:
        raise LikewiseError(f"the picture cannot be used: {error.reason}") from error


def _too_many_pixels() -> str:
    return f"the picture has more than {MAX_PIXELS:,} pixels; send a smaller one"


def product_picture(catalogue: Dataset, row: int) -> bytes | None:
    """Return the picture of a product as PNG, at most ``MAX_SIDE`` wide and high.

    The picture is decoded and encoded again, so that nothing but pixels leaves the catalogue.
    ``None`` where the product has no picture that can be read.
    """
    from datasets import Image as ImageColumn

    if "image" not in catalogue.column_names:
        return None
    one = catalogue.select([row])
    if has_pixels(catalogue):
        pixels = image_array(one)[0]
        three = np.repeat(pixels[:1], 3, axis=0) if len(pixels) < 3 else pixels[:3]
        picture = Image.fromarray(np.ascontiguousarray(three.transpose(1, 2, 0)))
    else:
        encoded = one.select_columns("image").cast_column("image", ImageColumn(decode=False))
        value = encoded[0]["image"]
        source = value and (value.get("bytes") or value.get("path"))
        if not source:
            return None
        try:
            picture = read_picture(source)
        except UnusablePicture:
            return None
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
