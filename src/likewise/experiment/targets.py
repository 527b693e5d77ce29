"""From a part's config to the part: the one place that reads ``_target_``."""

from __future__ import annotations

import inspect
import math
from types import UnionType
from typing import Any, get_args, get_type_hints

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig

from likewise.errors import LikewiseError

# Groups of the config that make a scorer.
SCORERS = ("matcher", "recommender", "policy")
# What a saved run's config may build; a shared run folder must not be able to call anything else.
ALLOWED = (
    "likewise.",
    "pytorch_metric_learning.losses.",
    "pytorch_metric_learning.miners.",
    "torch.nn.",
    "torchvision.models.",
    "torchvision.transforms.v2.",
    "torchmetrics.",
)

# Packages whose functions build models.
FUNCTIONS = ("torchvision.models.",)


def make(config: Any, **extra: Any) -> Any:
    """Instantiate one part; a bad argument becomes one sentence that names the part."""
    try:
        _check_numbers(config)
        return hydra.utils.instantiate(config, **extra)
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, LikewiseError):
            raise cause from None
        if isinstance(cause, MemoryError) or "allocate memory" in str(cause):
            raise LikewiseError(
                f"{config._target_} does not fit into this machine's memory; make it smaller, for "
                "example by a lower embedding_size"
            ) from error
        text = " ".join(str(cause).split())
        raise LikewiseError(f"{config._target_} cannot be made: {text}") from error


def get_target(name: str) -> Any:
    """The class or function that a ``_target_`` names.

    Raises:
        LikewiseError: there is none.
    """
    try:
        return hydra.utils.get_object(name)
    except Exception as error:
        # What importing a module of the user's raises can be anything.
        reason = " ".join(str(error.__cause__ or error).split())
        raise LikewiseError(f"{name} cannot be imported ({reason[:200]})") from error


def _check_numbers(config: Any) -> None:
    """Refuse what is no number where a part's signature asks for one, and NaN everywhere."""
    target = inspect.unwrap(get_target(config._target_))
    try:
        kinds = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError):
        # Annotations that only a type checker can read say nothing here.
        return
    for key, value in config.items():
        if isinstance(value, float) and math.isnan(value):
            raise LikewiseError(f"{short_name(config)}: {key}={value} must be a number")
        wanted = kinds.get(key)
        members = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
        if not set(members) <= {int, float, type(None)}:
            continue
        # ``float`` takes whole numbers, too; a truth value is none of either.
        kind = (*members, int)
        if not isinstance(value, kind) or isinstance(value, bool):
            number = "a number" if float in members else "a whole number"
            more = " or null" if type(None) in members else ""
            raise LikewiseError(f"{short_name(config)}: {key}={value} must be {number}{more}")


def short_name(config: DictConfig) -> str:
    """The name of a part's class, for sentences about it."""
    return str(config._target_).rsplit(".", 1)[-1]


def is_part(config: Any) -> bool:
    """Whether a group of the config has a part chosen; ``none`` and ``null`` leave it without."""
    return isinstance(config, DictConfig) and "_target_" in config


def main_part(config: DictConfig) -> str:
    """The group of the config that makes the scorer; ``encoder`` where that is its similarity.

    Raises:
        LikewiseError: two are chosen.
    """
    chosen = [key for key in SCORERS if is_part(config.get(key))]
    if len(chosen) > 1:
        raise LikewiseError(
            f"{' and '.join(chosen)} are both chosen, but a run uses only one; set one to none"
        )
    return chosen[0] if chosen else "encoder"


def chosen_name(config: DictConfig) -> str:
    """The chosen matcher, recommender, policy or encoder, for sentences about all of these."""
    key = main_part(config)
    return f"{key} {short_name(config[key])}" if is_part(config.get(key)) else "encoder=none"


def class_of(config: DictConfig) -> Any:
    """The class, or function, of a part that is not made yet, to ask what it declares."""
    return get_target(str(config._target_))


def config_name(part: Any) -> str:
    """What a class of Likewise is called in the config: the name of its module."""
    return str(part.__module__).rpartition(".")[2]


def check_targets(config: Any, allow: tuple[str, ...] = ()) -> None:
    """Refuse a saved config that would build anything outside the allowed packages."""
    if isinstance(config, dict):
        if "_target_" in config:
            _check_target(str(config["_target_"]), allow)
        for value in config.values():
            check_targets(value, allow)
    elif isinstance(config, list):
        for value in config:
            check_targets(value, allow)
    elif isinstance(config, str) and "${" in config:
        # Runs are saved with everything resolved; what is left could resolve to a target.
        raise LikewiseError(f"the saved config holds {config!r}, which no run writes there")


def _check_target(target: str, allow: tuple[str, ...]) -> None:
    allowed = ALLOWED + tuple(f"{name.rstrip('.')}." for name in allow)
    if target.startswith(allowed):
        found = get_target(target)
        # An attribute of an allowed module may come from elsewhere, and a function do anything.
        function = target.startswith(FUNCTIONS) and inspect.isfunction(found)
        own = f"{getattr(found, '__module__', '')}.".startswith(allowed)
        if own and (inspect.isclass(found) or function):
            return
    raise LikewiseError(
        f"the saved config wants to build {target}, which is not among the allowed "
        "packages; if you trust the run, add --allow with its package's name"
    )
