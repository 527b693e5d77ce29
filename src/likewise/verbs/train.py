"""The verb ``likewise train``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from likewise.experiment.composition import compose, search_path, shipped
from likewise.verbs.arguments import add_overrides
from likewise.verbs.findings import say_findings

if TYPE_CHECKING:
    from omegaconf import DictConfig


HELP = "train, validate and test one configuration"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_overrides(parser)
    parser.add_argument("-m", "--multirun", action="store_true", help="all of encoder=mlp,cnn …")


def run(options: Namespace) -> None:
    """Train one configuration, or with ``-m`` all configurations of a Hydra multirun."""
    if not options.multirun:
        _train_one(compose(options.overrides, options.config_dir))
        return
    import hydra

    more = search_path(options.config_dir)
    sys.argv = ["likewise train", "--multirun", *options.overrides, *more]
    app = hydra.main(str(shipped("configs")), "train", version_base="1.3")
    app(_train_one)()


def _train_one(config: DictConfig) -> None:
    from likewise.experiment.experiment import Loader
    from likewise.experiment.identity import run_name
    from likewise.runs.folder import first_process, read_result
    from likewise.runs.progress import TrainingProgress
    from likewise.runs.train import train

    name, loader = run_name(config), Loader()
    say_findings(loader.data(config))
    progress = TrainingProgress(f"{name} seed {config.seed}", config.primary)
    folder = train(config, (progress,), loader)
    if not first_process():
        return
    scores = read_result(folder)["metrics"]
    line = "  ".join(f"{key} {value:.4f}" for key, value in scores.items())
    print(f"{name} seed {config.seed}  {line}\n{folder}", flush=True)
