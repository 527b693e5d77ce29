"""A run is a folder: what it holds, what it is called, and when it is finished."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf

import likewise
from likewise.atomic import atomic
from likewise.errors import LikewiseError

# Keys that change where or how a run is shown, never its result.
VERSIONED = ("likewise.", "pytorch_metric_learning.", "torch", "pytorch_lightning.")
COSMETIC = ("name", "study", "output", "logger", "hydra")
# What a folder of runs may be called, on every file system.
NAME = re.compile(r"[\w \-+=,.()@%]+")
LONGEST = 100


def run_id(config: DictConfig, fingerprint: str) -> str:
    """Hash of what determines a run's result: config, seed, data and version; 12 hex digits."""
    content: Any = OmegaConf.to_container(config, resolve=True)
    # Where the data lies is no part of the result; what it holds is.
    content["data"].pop("path", None)
    kept = {key: value for key, value in content.items() if key not in COSMETIC}
    kept |= {"fingerprint": fingerprint, "version": likewise.__version__}
    kept["sources"] = _sources(content)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


def _sources(config: Any) -> dict[str, str]:
    """Hashes of the files of a user's own parts, which have no version that says they changed."""
    found: dict[str, str] = {}
    parts = config.values() if isinstance(config, dict) else config
    for part in parts if isinstance(config, dict | list) else ():
        found |= _sources(part)
    target = str(config.get("_target_", "")) if isinstance(config, dict) else ""
    module = target.rpartition(".")[0]
    if module and not target.startswith(VERSIONED):
        with suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(module)
            if spec is not None and spec.origin is not None and Path(spec.origin).is_file():
                digest = hashlib.sha256(Path(spec.origin).read_bytes())
                found[module] = digest.hexdigest()[:12]
    return found


def run_name(config: DictConfig) -> str:
    """What tables call the run: ``name``, or the encoder's module."""
    return config.name or str(config.encoder._target_).split(".")[-2]


def check_name(kind: str, name: str) -> None:
    """Refuse a name that is no plain name of a folder, such as one that leads out of it.

    Raises:
        LikewiseError: it says which ``kind`` of name it is.
    """
    if not 0 < len(name) <= LONGEST or name.startswith(".") or not NAME.fullmatch(name):
        raise LikewiseError(
            f"{kind}={name} cannot name a folder; use letters, digits, spaces and "
            f"_ - + = , . ( ) only, at most {LONGEST} of them and no dot first"
        )


def run_folder(config: DictConfig, identity: str) -> Path:
    """``<output>/<study or train>/<name>-seed<seed>-<id>``."""
    check_name("name", run_name(config))
    # A study's part of one data set lies in a folder of the study.
    for part in str(config.study or "train").split("/"):
        check_name("study", part)
    return (
        Path(config.output)
        / (config.study or "train")
        / f"{run_name(config)}-seed{config.seed}-{identity}"
    )


def is_finished(folder: Path) -> bool:
    """Whether the run got as far as writing its result, which is its last act."""
    return (folder / "result.json").is_file()


def first_process() -> bool:
    """Whether this process speaks for a run; on several devices there is one for each."""
    from pytorch_lightning.utilities import rank_zero_only

    return getattr(rank_zero_only, "rank", None) in (None, 0)


class RunBusy(LikewiseError):
    """Another process has this run."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a run to this process; the claim ends with it, however it ends.

    Raises:
        RunBusy: another process has the run.
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
    """Write whole or not at all."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


def read_result(folder: Path) -> Mapping[str, Any]:
    """``result.json`` of a finished run."""
    if not is_finished(folder):
        raise LikewiseError(f"{folder} holds no finished run (no result.json)")
    path = folder / "result.json"
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise LikewiseError(
            f"{path} is not valid JSON ({error}); delete its folder and run again"
        ) from error
