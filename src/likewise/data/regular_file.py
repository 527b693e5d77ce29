"""Reading of files that users name: only regular files of limited size are read."""

from __future__ import annotations

import stat
from pathlib import Path


class NotRegular(OSError):
    """A folder, a pipe or a device stands where a file should."""


class TooLarge(OSError):
    """The file holds more bytes than are read."""


def is_other(path: Path) -> bool:
    """Whether there is something at the path that is neither a regular file nor a folder.

    To open such a thing may wait for ever (a pipe), and to read it may never end (a device).
    """
    return path.exists() and not path.is_file() and not path.is_dir()


def read_regular(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Args:
        path: of the file; a link is followed.
        limit: the most bytes it may hold.

    Raises:
        NotRegular, TooLarge: as they say.
        OSError, ValueError: for a file that is missing or closed to us, and for an impossible path.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotRegular(f"{path} is no regular file")
    with path.open("rb") as file:
        # The size is not asked for: that of a file under /proc is 0, whatever it holds.
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"{path} holds more than {limit} bytes")
    return content
