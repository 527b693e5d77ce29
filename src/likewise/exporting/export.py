"""Exports, which are written whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import LikewiseError
from likewise.exporting.description import describe

if TYPE_CHECKING:
    from likewise.exporting.base import ExportFormat
    from likewise.runs.saved import SavedRun

DESCRIPTION = "likewise.json"
# Products with which an export is checked.
CHECKED = 256


def export(run: SavedRun, kind: ExportFormat, folder: Path) -> str:
    """Export the encoder of a run into a new folder; return a sentence on how it was checked.

    The folder gets the files of the format, ``likewise.json`` with the description, and in
    ``readers/`` what the readers of the modalities have learned.

    Raises:
        LikewiseError: the folder is there already, the run has no encoder or one that the format
            cannot hold, or the exported encoder gives other embeddings.
    """
    if folder.exists():
        raise LikewiseError(f"{folder} is there already; delete it, or name another folder by --to")
    kind.check_packages()
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        count = len(run.data.catalogue)
        rows = np.unique(np.linspace(0, count - 1, min(CHECKED, count)).astype(np.int64))
        checked = kind.write(run, rows, partial)
        described = {"format": kind.name, **describe(run, rows, partial)}
        text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
        (partial / DESCRIPTION).write_text(text, encoding="utf-8")
        # A temporary folder is readable by its owner alone.
        partial.chmod(0o755)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return checked
