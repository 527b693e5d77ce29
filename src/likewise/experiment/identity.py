"""What a run is called, and the hash of what determines its result."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError

import likewise
from likewise.errors import LikewiseError
from likewise.experiment.features import modalities, reader_keys
from likewise.experiment.targets import chosen_name, is_part, main_part

# Packages whose version, not whose files, says that they changed.
VERSIONED = ("likewise.", "pytorch_metric_learning.", "torch", "pytorch_lightning.")
# Keys that change where or how a run is shown or its products are read, never its result.
COSMETIC = ("name", "study", "output", "logger", "hydra", "memory_budget", "workers", "index")
# What a folder of runs may be called, on every file system.
NAME = re.compile(r"[\w \-+=,.()@%]+")
LONGEST = 100


def config_identity(config: DictConfig) -> str:
    """12 hex digits of what determines a run's result but the content of its data.

    It needs no data: of a composed config, before the sizes that data give are filled in.

    Raises:
        LikewiseError: a part needs another part of the config than is chosen.
    """
    try:
        content: Any = OmegaConf.to_container(config, resolve=True)
    except InterpolationKeyError as error:
        raise LikewiseError(
            f"{chosen_name(config)} needs another part of the config than is chosen ({error.msg}); "
            "encoder=pretrained_text goes with text=pretrained"
        ) from error
    # Where the data lies is no part of the result; what it holds is.
    content["data"].pop("path", None)
    # A source may read the products of another one.
    (content["data"].get("source") or {}).pop("path", None)
    # What is not read has no part in the result either.
    for key in set(reader_keys(config)) - set(modalities(config)):
        content.pop(key)
        content["augmentation"].pop(key, None)
    # Without a threshold or an explanation, runs are the same as before there were any.
    for key in ("threshold", "explanation"):
        if not content.get(key):
            content.pop(key, None)
    kept = {key: value for key, value in content.items() if key not in COSMETIC}
    kept |= {"version": likewise.__version__, "sources": _sources(content)}
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
    """What tables call the run: ``name``, or the module of what scores."""
    part = config[main_part(config)]
    return config.name or (str(part._target_).split(".")[-2] if is_part(part) else "none")


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


def run_prefix(config: DictConfig, identity: str) -> Path:
    """``<output>/<study or train>/<name>-seed<seed>-<identity>``, whatever the data hold."""
    check_name("name", run_name(config))
    # A study's part of one data set lies in a folder of the study.
    for part in str(config.study or "train").split("/"):
        check_name("study", part)
    name = f"{run_name(config)}-seed{config.seed}-{identity}"
    return Path(config.output) / (config.study or "train") / name


def run_folder(config: DictConfig, identity: str, fingerprint: str) -> Path:
    """The prefix and six digits of the data's fingerprint, so that other data is another run."""
    prefix = run_prefix(config, identity)
    return prefix.with_name(f"{prefix.name}-{fingerprint[:6]}")
