"""The base class of export formats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from likewise.runs.saved import SavedRun

# The largest difference between an embedding of the export and one of the run, where the largest
# component of an embedding is at most 1; it grows in proportion to that component above 1.
TOLERANCE = 1e-4


class ExportFormat(ABC):
    """Writes the encoder of a finished run into a folder, and checks what it wrote.

    A subclass defines ``write``, which raises ``LikewiseError`` for an encoder that the format
    cannot hold.

    Attributes:
        name: the value of ``--format``.
        packages: modules that are needed in addition to those of Likewise.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()

    def check_packages(self) -> None:
        """Raise ``LikewiseError`` if a package is not installed."""
        if missing := [package for package in self.packages if find_spec(package) is None]:
            raise LikewiseError(
                f"likewise export --format {self.name} needs {', '.join(missing)}: "
                "pip install 'likewise[export]'"
            )

    @abstractmethod
    def write(self, run: SavedRun, rows: np.ndarray, folder: Path) -> str:
        """Write the encoder into an existing folder; return a sentence on how it was checked.

        Args:
            rows: int64 [n], products of the run's catalogue with which to check the export.
        """


def check_equal(ours: Tensor, theirs: Tensor, reader: str) -> str:
    """Compare embeddings of the run and of its export, float32 [n, d]; return a sentence on it.

    Args:
        reader: the program that made ``theirs``.

    Raises:
        LikewiseError: the largest difference exceeds ``TOLERANCE``.
    """
    difference = float((ours - theirs).abs().max())
    allowed = TOLERANCE * max(1.0, float(ours.abs().max()))
    # A comparison with NaN is false.
    if not difference <= allowed:
        raise LikewiseError(
            f"the embeddings of {reader} differ from those of the run by {difference:.1e}, which "
            f"is more than {allowed:.1e}, so nothing was exported"
        )
    return f"{len(ours)} products embedded by {reader}: maximum difference {difference:.1e}"
