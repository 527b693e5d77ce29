"""The verb ``likewise study``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.experiment.composition import compose
from likewise.verbs.arguments import add_study
from likewise.verbs.compare import compare_parts
from likewise.verbs.findings import say_findings

if TYPE_CHECKING:
    from likewise.studies.study import Study


HELP = "run a study and compare its methods"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_study(parser, "name of a folder in experiments/, or its path")
    parser.add_argument("--dry-run", action="store_true", help="list the runs and which are done")


def run(options: Namespace) -> None:
    """Run the unfinished runs of a study, then compare all runs."""
    from likewise.runs.folder import first_process
    from likewise.studies.study import open_study

    opened = open_study(options.study, options.output, options.overrides, options.config_dir)
    if options.dry_run:
        for part in opened.parts():
            _list_runs(part)
        return
    print(" ".join(opened.config.question.split()), flush=True)
    if first_process():
        compare_parts(opened, _trained(opened))
    else:
        list(_trained(opened))


def _trained(opened: Study) -> Iterator[tuple[Study, list[Path]]]:
    """Train the runs of one data set after the other."""
    from likewise.experiment.experiment import Loader
    from likewise.studies.study import run_study

    for part in opened.parts():
        loader = Loader()
        method = next(iter(part.config.methods))
        say_findings(loader.data(compose(part.fixed(method), part.config_dir)))
        yield part, run_study(part, loader)


def _list_runs(opened: Study) -> None:
    from likewise.experiment.identity import config_identity, run_prefix
    from likewise.runs.folder import finished_folder
    from likewise.studies.study import budgets, run_configs

    tune = opened.config.tune
    if tune is not None:
        done = {found.method: found.trials for found in budgets(opened)}
        for method in opened.config.methods:
            print(f"{done.get(method, 0)} of {tune.trials} trials  {method}")
        if len(done) < len(opened.config.methods):
            runs = len(opened.config.methods) * len(opened.config.seeds)
            print(f"to run    {runs} runs, with what the trials find")
            return
    for config in run_configs(opened):
        done_in = finished_folder(config)
        place = done_in or f"{run_prefix(config, config_identity(config))}-…"
        print(f"{'finished' if done_in else 'to run  '}  {place}")
