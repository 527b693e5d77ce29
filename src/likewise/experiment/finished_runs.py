"""Finished runs that the config of a new run names: parts of its recommender, and a teacher."""

from __future__ import annotations

import inspect
import json
from glob import glob
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from likewise.data.catalogue import ProductData
from likewise.errors import LikewiseError, MissingRun
from likewise.experiment.targets import check_targets, class_of, get_target, is_part, main_part
from likewise.matchers.base import EmbeddingMatcher
from likewise.recommenders.combined.finished_run import FinishedRun


def fill_in_finished_runs(config: DictConfig, data: ProductData) -> None:
    """Check the finished runs that a config names, and put what is needed of them into it.

    These are the recommenders of finished runs as parts of a recommender, and the option
    ``teacher`` of a method.

    Args:
        config: is changed.
        data: the data of the new run, on which the finished runs must have been trained.

    Raises:
        LikewiseError: the folder holds no finished run, or one that cannot be used.
    """
    recommender: Any = config.get("recommender")
    for part in _finished_runs(recommender):
        folder = _folder("run", str(part.run))
        part.run = str(folder)
        OmegaConf.update(part, "scorer", _scorer(folder, data), force_add=True)
    if config.method.get("teacher"):
        config.method.teacher = _teacher(str(config.method.teacher), data)


def _folder(key: str, run: str) -> Path:
    """The folder that a path names, or a pattern such as ``runs/study/sasrec-seed0-*``."""
    if Path(run).is_dir():
        return Path(run)
    found = [path for path in sorted(map(Path, glob(run))) if (path / "result.json").is_file()]
    if len(found) != 1:
        raise MissingRun(
            f"{key}={run} names {len(found)} finished runs; it must be the folder of one, or a "
            "pattern that matches one"
        )
    return found[0]


def _saved(key: str, folder: Path, data: ProductData) -> dict[str, Any]:
    """The config of a finished run on the same data."""
    try:
        result = json.loads((folder / "result.json").read_text())
        saved: Any = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))
    except (OSError, ValueError) as error:
        raise LikewiseError(f"{key}={folder} holds no finished run") from error
    if result["data_fingerprint"] != data.fingerprint:
        raise LikewiseError(
            f"{key}={folder} was trained on another catalogue or other splits (fingerprint "
            f"{result['data_fingerprint']}) than this run has ({data.fingerprint}); train it with "
            "the same data options"
        )
    return saved


def _teacher(run: str, data: ProductData) -> str:
    """The folder of a finished run whose encoder embeds single products."""
    key = "method.teacher"
    folder = _folder(key, run)
    saved = OmegaConf.create(_saved(key, folder, data))
    check_targets(OmegaConf.to_container(saved))
    main = main_part(saved)
    embeds = main == "encoder" or issubclass(class_of(saved[main]), EmbeddingMatcher)
    if not embeds or not is_part(saved.get("encoder")):
        raise LikewiseError(
            f"{key}={folder} has no encoder that embeds single products; use a run of an encoder "
            "with matcher=none"
        )
    return str(folder)


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
    saved = _saved("run", folder, data)
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
