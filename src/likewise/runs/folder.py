"""Run folders: their content, their names, and whether they are finished."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig

from likewise.atomic import atomic
from likewise.errors import LikewiseError
from likewise.experiment.identity import config_identity, run_prefix


def is_finished(folder: Path) -> bool:
    """Whether the run has written its result, which is its last step."""
    return (folder / "result.json").is_file()


def finished_folder(config: DictConfig) -> Path | None:
    """The finished run of a composed config, found without reading its data; the latest of several,
    where the data changed in between."""
    prefix = run_prefix(config, config_identity(config))
    found = [
        path for path in prefix.parent.glob(f"{glob.escape(prefix.name)}-*") if is_finished(path)
    ]
    return max(found, key=lambda path: (path / "result.json").stat().st_mtime, default=None)


def first_process() -> bool:
    """Whether this process is the first of a run; with several devices there is one for each."""
    from pytorch_lightning.utilities import rank_zero_only

    return getattr(rank_zero_only, "rank", None) in (None, 0)


class RunBusy(LikewiseError):
    """Raised if another process works on the run."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Reserve a run for this process; the claim ends with the process.

    Raises:
        RunBusy: if another process has claimed the run.
    """
    if not first_process():
        # The other processes of a run on several devices work under the first one's claim.
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise RunBusy(
            f"{folder} is being trained by another process; wait for it, or set output to "
            "another folder"
        ) from None
    with lock:
        yield


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


def read_result(folder: Path) -> Mapping[str, Any]:
    """Read ``result.json`` of a finished run."""
    if not is_finished(folder):
        raise LikewiseError(f"{folder} holds no finished run (no result.json)")
    path = folder / "result.json"
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise LikewiseError(
            f"{path} is not valid JSON ({error}); delete its folder and run again"
        ) from error


def reader_folder(folder: Path, modality: str) -> Path:
    """Return the folder of a run with what the reader of a modality has learned."""
    return folder / "readers" / modality
