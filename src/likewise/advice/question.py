"""What advice is asked for: a catalogue, a task and a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from likewise.advice.evidence import Measured
from likewise.advice.profile import DataProfile, describe_data
from likewise.advice.tasks import allowed_tasks, check_allowed
from likewise.data.catalogue import ProductData
from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.experiment.data import load_data


@dataclass(frozen=True)
class Question:
    """What advice is asked for.

    Attributes:
        data, profile: the user's.
        tasks: the tasks that the data allow.
        task: the name of the task; ``None`` for data without relevance.
        overrides: of the user: the data and everything else that is fixed, without the task.
        budget: seconds of training; ``None`` for any time.
        config_dir: a folder with config groups of the user's own.
    """

    data: ProductData
    profile: DataProfile
    tasks: Sequence[str]
    task: str | None
    overrides: tuple[str, ...]
    budget: float | None = None
    config_dir: str | None = None

    @property
    def task_override(self) -> list[str]:
        """The override that chooses the task; empty without one."""
        return [f"task={self.task}"] if self.task else []

    def compose(self, row: Measured) -> DictConfig:
        """The config of a measured method on the user's data."""
        return compose([*self.task_override, *row.overrides, *self.overrides], self.config_dir)


def ask(
    overrides: Sequence[str], budget: float | None = None, config_dir: str | None = None
) -> Question:
    """Read the data of some overrides and describe them.

    Args:
        overrides: the data, and optionally the task; without a task, the first one counts that the
            data allow.
        budget: seconds.

    Raises:
        LikewiseError: no data are named, they have no products, or they do not allow the task.
    """
    if not any(one.startswith("data=") for one in overrides):
        raise LikewiseError(
            "say which data the advice is for, such as data=table data.path=products.csv"
        )
    tasks = [one.partition("=")[2] for one in overrides if one.startswith("task=")]
    rest = tuple(one for one in overrides if not one.startswith("task="))
    # Options of a task do not compose without it, and it is checked below.
    data = load_data(compose([one for one in rest if not one.startswith("task.")], config_dir))
    if not len(data.catalogue):
        raise LikewiseError("these data have no products, so there is nothing to give advice on")
    allowed = allowed_tasks(data, config_dir)
    for task in tasks:
        check_allowed(task, data, config_dir)
    chosen = tasks[-1] if tasks else next(iter(allowed), None)
    return Question(data, describe_data(data), allowed, chosen, rest, budget, config_dir)
