"""The tasks that data allow, by the kind of relevance that each task declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from likewise.data.relevance import Relevance
from likewise.errors import LikewiseError
from likewise.experiment.composition import shipped
from likewise.experiment.targets import class_of

if TYPE_CHECKING:
    from likewise.data.catalogue import ProductData
    from likewise.tasks.base import Task


def task_classes(config_dir: str | None = None) -> dict[str, type[Task]]:
    """The classes of all tasks of the config, by their names.

    Args:
        config_dir: a folder with config groups of the user's own.
    """
    folders = [shipped("configs"), *([Path(config_dir)] if config_dir else [])]
    found = {}
    for path in (path for folder in folders for path in sorted(folder.glob("task/*.yaml"))):
        config: Any = OmegaConf.load(path)
        found[path.stem] = class_of(config.get("task", config))
    return found


def allowed_tasks(data: ProductData, config_dir: str | None = None) -> list[str]:
    """The tasks whose relevance the data have, in the order in which the data name their kinds.

    Of the tasks of one kind, those that score the more general models come first, such as
    recommendation by any recommender before the one that updates recommenders. Tasks that judge
    explanations compare no encoders, so they are left out.
    """
    classes = task_classes(config_dir)
    by_generality = sorted(classes.items(), key=lambda task: len(task[1].scorer_kind.__mro__))
    return [
        name
        for relevance in data.relevance
        for name, kind in by_generality
        if isinstance(relevance, kind.relevance) and not kind.uses_explanation
    ]


def check_allowed(task: str, data: ProductData, config_dir: str | None = None) -> None:
    """Raise ``LikewiseError`` for a task that the data do not allow, or that is none."""
    classes = task_classes(config_dir)
    if task not in classes:
        raise LikewiseError(f"task={task} is unknown; it can be {', '.join(classes)}")
    if task in allowed_tasks(data, config_dir):
        return
    if classes[task].uses_explanation:
        raise LikewiseError(
            f"task={task} judges explanations, for which there is no advice; choose an encoder by "
            "another task first"
        )
    data.get(classes[task].relevance, f"task={task}")


def kindred(task: str, classes: Mapping[str, type[Task]]) -> set[str]:
    """The other tasks that score the same kind of model by relevance of the same family.

    Two kinds of relevance are of one family if they share a base class below ``Relevance``, as
    events and links share ``Behaviour``.
    """
    own = classes[task]
    family = {*own.relevance.__mro__} - {*Relevance.__mro__}
    alike = {name for name, kind in classes.items() if kind.scorer_kind is own.scorer_kind}
    return {name for name in alike - {task} if family & {*classes[name].relevance.__mro__}}
