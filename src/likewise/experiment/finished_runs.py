"""Recommenders of finished runs as parts of the config of a new run."""

from __future__ import annotations

import inspect
import json
from glob import glob
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from likewise.data.catalogue import ProductData
from likewise.errors import LikewiseError, MissingRun
from likewise.experiment.targets import check_targets, get_target, is_part
from likewise.recommenders.combined.finished_run import FinishedRun


def fill_in_finished_runs(config: DictConfig, data: ProductData) -> None:
    """Put the recommender of each finished run that a recommender names into the config.

    Args:
        config: is changed.
        data: the data of the new run, on which the finished run must have been trained.

    Raises:
        LikewiseError: the folder holds no finished run, or one that cannot be a part.
    """
    recommender: Any = config.get("recommender")
    for part in _finished_runs(recommender):
        folder = _folder(str(part.run))
        part.run = str(folder)
        OmegaConf.update(part, "scorer", _scorer(folder, data), force_add=True)


def _folder(run: str) -> Path:
    """The folder that a path names, or a pattern such as ``runs/study/sasrec-seed0-*``."""
    if Path(run).is_dir():
        return Path(run)
    found = [path for path in sorted(map(Path, glob(run))) if (path / "result.json").is_file()]
    if len(found) != 1:
        raise MissingRun(
            f"run={run} names {len(found)} finished runs; it must be the folder of one, or a "
            "pattern that matches one"
        )
    return found[0]


def _finished_runs(part: Any) -> list[DictConfig]:
    """The configs of the finished runs in the config of a recommender."""
    if not isinstance(part, DictConfig):
        return []
    target = get_target(str(part._target_)) if is_part(part) else None
    if inspect.isclass(target) and issubclass(target, FinishedRun):
        return [part]
    return [found for key in part for found in _finished_runs(part.get(key))]


def _scorer(folder: Path, data: ProductData) -> dict[str, Any]:
    """The config of the recommender of a finished run."""
    try:
        result = json.loads((folder / "result.json").read_text())
        saved: Any = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))
    except (OSError, ValueError) as error:
        raise LikewiseError(f"run={folder} holds no finished run") from error
    if result["data_fingerprint"] != data.fingerprint:
        raise LikewiseError(
            f"run={folder} was trained on another catalogue or other splits (fingerprint "
            f"{result['data_fingerprint']}) than this run has ({data.fingerprint}); train it with "
            "the same data options"
        )
    scorer = saved.get("recommender") or {}
    if "_target_" not in scorer:
        raise LikewiseError(f"run={folder} has no recommender, and so cannot be a part of one")
    if saved["method"].get("refit"):
        raise LikewiseError(
            f"run={folder} has learned from the validation events, too; train it with "
            "method.refit=false"
        )
    if "_target_" in (saved.get("encoder") or {}):
        raise LikewiseError(
            f"run={folder} reads the content of products by an encoder, which a part cannot do; "
            "train it with encoder=none"
        )
    check_targets(scorer)
    return scorer
