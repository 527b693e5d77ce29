"""What cannot work, found before training."""

from __future__ import annotations

import os
from typing import Any

from omegaconf import DictConfig, OmegaConf

from likewise.data.catalogue import ProductData
from likewise.data.memory import parse_budget
from likewise.data.samplers.base import Sampler
from likewise.errors import LikewiseError
from likewise.experiment.experiment import Experiment
from likewise.experiment.features import learns_from, training_units
from likewise.experiment.parts import make_method
from likewise.experiment.targets import class_of, make

WHATEVER = 2**62
LAST_LAYER = 512
# Of whole numbers; a seed has 32 bits, as the random generators take it.
RANGES = {
    "batch_size": (2, WHATEVER),
    "embedding_size": (1, WHATEVER),
    "seed": (0, 2**32 - 1),
    "trainer.max_epochs": (1, WHATEVER),
    "workers": (0, 256),
}


def check(experiment: Experiment) -> None:
    """Find what cannot work without training anything.

    Raises:
        LikewiseError: names it.
    """
    config, data = experiment.config, experiment.data
    for key, (least, most) in RANGES.items():
        value = OmegaConf.select(config, key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            most_said = f" and at most {most}" if most < WHATEVER else ""
            raise LikewiseError(
                f"{key}={value} must be a whole number of at least {least}{most_said}"
            )
    parse_budget(config.memory_budget)
    patience = config.trainer.patience
    if patience is not None and not (isinstance(patience, int) and patience >= 0):
        raise LikewiseError(
            f"trainer.patience={patience} must be a whole number of epochs, or null to never stop"
        )
    precision = str(config.trainer.get("precision"))
    if precision.endswith("-true") and precision != "32-true":
        raise LikewiseError(
            f"trainer.precision={precision} also stores the weights in that precision, but "
            "pictures and losses have 32 bits; use bf16-mixed or 16-mixed"
        )
    strategy, devices = str(config.trainer.strategy), config.trainer.devices
    if "spawn" in strategy or "fork" in strategy:
        raise LikewiseError(
            f"trainer.strategy={strategy} leaves the trained weights in another process; use ddp"
        )
    _check_memory(config, data)
    _check_size(config, data, devices)
    sampler: Sampler = make(config.sampler)
    kind = learns_from(config)
    trains = getattr(class_of(config.method), "trains", True)
    if trains and kind not in sampler.orders:
        ordered = " and ".join(known.kind for known in sampler.orders)
        raise LikewiseError(
            f"sampler {type(sampler).__name__} orders {ordered}, and the method learns from "
            f"{kind.kind}; use sampler=uniform, m_per_class or hard_pair"
        )
    make_method(config)


def _check_memory(config: DictConfig, data: ProductData) -> None:
    """Refuse embeddings that this machine's memory cannot hold, before it is filled."""
    # Of the products, and of a last layer of some hundred inputs with its gradient and moments.
    rows = max(len(rows) for rows in data.splits.values()) + 4 * LAST_LAYER
    needed = 4 * config.embedding_size * rows
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise LikewiseError(
            f"embedding_size={config.embedding_size} needs about {needed / 1e9:,.0f} GB, and this "
            f"machine has {there / 1e9:,.0f} GB of memory; lower it"
        )


def _check_size(config: DictConfig, data: ProductData, devices: Any) -> None:
    """Several devices share what one would train on."""
    several = devices if isinstance(devices, int) and devices > 1 else 1
    if several == 1:
        return
    kind = learns_from(config)
    size = training_units(kind, data)
    if config.batch_size > size // several:
        raise LikewiseError(
            f"batch_size={config.batch_size} is larger than the {size // several} training "
            f"{kind.unit}s of each of {several} devices"
        )
