"""Reading of the picture that a row names: it is found, decoded and scaled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likewise.data import picture_check
from likewise.data.letterbox import letterbox
from likewise.data.table.findings import Defect

REASONS = {
    "missing file": Defect.PICTURE_MISSING,
    "no regular file": Defect.PICTURE_NO_FILE,
    "file too large": Defect.PICTURE_BYTES,
    "corrupt": Defect.PICTURE_CORRUPT,
    "single colour": Defect.PICTURE_FLAT,
    "too small": Defect.PICTURE_SMALL,
    "too large": Defect.PICTURE_LARGE,
}


@dataclass(frozen=True)
class TablePicture:
    """A picture of a table that can be used.

    Attributes:
        digest: SHA-256 of the encoded bytes.
        square: uint8 [3, size, size], where a size was asked for.
        encoded: ``bytes`` or the ``path`` of the file, otherwise.
    """

    digest: bytes
    square: np.ndarray | None = None
    encoded: dict[str, Any] | None = None


def read_picture(value: Any, root: Path, size: int | None) -> TablePicture | Defect:
    """Read a picture of a table; return a ``Defect`` if it cannot be used.

    Args:
        value: a path, absolute or below ``root``, encoded bytes, or both under the names ``bytes``
            and ``path`` as ``datasets`` keeps them.
        root: folder of relative paths.
        size: side of the square it is to fill, ``None`` to leave it encoded.
    """
    path = None
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str):
        path = picture_path(value, root)
        if path is None:
            return Defect.PICTURE_ON_WEB if value.strip() else Defect.NO_PICTURE
        try:
            value = picture_check.picture_bytes(path)
        except picture_check.UnusablePicture as error:
            return REASONS[error.reason]
    if not isinstance(value, bytes):
        nothing = value is None or value != value  # pandas writes NaN for a missing value
        return Defect.NO_PICTURE if nothing else Defect.PICTURE_KIND
    if not value and path is None:
        return Defect.NO_PICTURE
    try:
        picture = picture_check.read_picture(value)
    except picture_check.UnusablePicture as error:
        return REASONS[error.reason]
    digest = hashlib.sha256(value).digest()
    if size is not None:
        return TablePicture(digest, square=letterbox(picture, size))
    encoded = {"bytes": None if path else value, "path": str(path) if path else None}
    return TablePicture(digest, encoded=encoded)


def picture_path(value: Any, root: Path) -> Path | None:
    """The file a picture is read from, if it is one."""
    if isinstance(value, dict):
        value = None if value.get("bytes") else value.get("path")
    if not isinstance(value, str) or not value.strip():
        return None
    name = value.strip()
    if name.lower().startswith(("http://", "https://")):
        return None
    return root / name.removeprefix("file://")
