"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes ``path`` when the block ends without an error.

    After an error, the new file is removed and an earlier file at ``path`` is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: processes that share a study write the same pages at the same time.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
