"""Where the configuration lies, and how it is composed."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from omegaconf import DictConfig


def shipped(folder: str) -> Path:
    """``configs`` or ``experiments``: inside an installed package, or beside ``src``."""
    package = Path(__file__).resolve().parents[1]
    inside = package / folder
    return inside if inside.is_dir() else package.parents[1] / folder


def compose(overrides: Sequence[str], config_dir: str | None = None) -> DictConfig:
    """The configuration of one run.

    Args:
        overrides: Hydra overrides of ``configs/train.yaml``.
        config_dir: a folder with config groups of the user's own, searched first.
    """
    import hydra
    from hydra.errors import ConfigCompositionException, OverrideParseException

    more = search_path(config_dir)
    with hydra.initialize_config_dir(str(shipped("configs")), version_base="1.3"):
        try:
            return hydra.compose("train", [*overrides, *more])
        except OverrideParseException as error:
            raise LikewiseError(
                f"{error.override} cannot be read as an override; write key=value, such as "
                "encoder=cnn or encoder.channels=[8,8]"
            ) from error
        except ConfigCompositionException as error:
            if (key := _unknown_key(error)) is None:
                raise
            known = [one for one in overrides if one.lstrip("+~").partition("=")[0] != key]
            sentence = _no_such_key(key, hydra.compose("train", [*known, *more]))
            raise LikewiseError(sentence) from error
        except ValueError as error:
            # What Hydra says of a group that is set to null does not name it.
            empty = " ".join(one for one in overrides if one.endswith("=null"))
            raise LikewiseError(f"{empty}: {error}" if empty else str(error)) from error


def chosen_parts(overrides: Sequence[str], config_dir: str | None = None) -> dict[str, str]:
    """The choice of each group of the config of one run, such as ``{"encoder": "cnn"}``.

    Args:
        overrides, config_dir: see ``compose``, which must accept them.
    """
    import hydra

    more = search_path(config_dir)
    with hydra.initialize_config_dir(str(shipped("configs")), version_base="1.3"):
        config = hydra.compose("train", [*overrides, *more], return_hydra_config=True)
    choices = config.hydra.runtime.choices
    return {str(group): str(choice) for group, choice in choices.items() if "/" not in str(group)}


def _unknown_key(error: BaseException) -> str | None:
    """The key that Hydra could not override as the config has none of that name."""
    found = re.search(r"Could not override '([^']+)'", str(error))
    return found[1] if found else None


def _no_such_key(key: str, config: DictConfig) -> str:
    """What to say of a key that is not in the config, with the nearest that is."""
    from omegaconf import DictConfig, OmegaConf

    parent, _, name = key.rpartition(".")
    place = OmegaConf.select(config, parent) if parent else config
    while parent and not isinstance(place, DictConfig):
        parent, _, name = parent.rpartition(".")
        place = OmegaConf.select(config, parent) if parent else config
    known = [str(one) for one in place]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    within = f"{parent}." if parent else ""
    meant = f"did you mean {within}{near[0]}?" if near else f"there are {', '.join(known)}"
    return f"the config has no {within}{name}; {meant} (+{key}=… adds a key of your own)"


def search_path(config_dir: str | None) -> list[str]:
    """The override that adds a user's config folder; modules beside it can be imported."""
    if config_dir is None:
        return []
    folder = Path(config_dir).resolve()
    if not folder.is_dir():
        raise LikewiseError(f"--config-dir {config_dir} is not a folder")
    for place in (folder, folder.parent):
        if str(place) not in sys.path:
            sys.path.append(str(place))
    return [f"hydra.searchpath=[file://{folder}]"]


def read_yaml(path: Path, schema: Path) -> DictConfig:
    """A YAML file whose keys must all stand in ``schema``, with its defaults filled in."""
    from omegaconf import OmegaConf

    defaults: Any = OmegaConf.load(schema)
    OmegaConf.set_struct(defaults, True)
    merged: Any = OmegaConf.merge(defaults, OmegaConf.load(path))
    missing = OmegaConf.missing_keys(merged)
    if missing:
        raise LikewiseError(f"{path} lacks {', '.join(sorted(missing))}")
    return merged
