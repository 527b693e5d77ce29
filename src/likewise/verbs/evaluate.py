"""The verb ``likewise evaluate``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from likewise.verbs.arguments import add_run

HELP = "score a finished run again, also with another similarity, task or data"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_run(parser)
    parser.add_argument("--protocol", help="leave_one_out or train_gallery")


def run(options: Namespace) -> None:
    """Score a finished run on a split, under any similarity or protocol."""
    from likewise.experiment.compatibility import check_task
    from likewise.experiment.parts import make_task
    from likewise.runs.saved import check_split, open_run

    more = [f"task.protocol={options.protocol}"] if options.protocol else []
    run = open_run(options.run, [*options.overrides, *more], tuple(options.allow))
    task = make_task(run.config)
    task.restore(run.chosen)
    check_split(options.split, task.splits(run.data))
    check_task(run.config, run.scorer)
    task.check(run.data, options.split)
    run.scorer.prepare(run.module)
    result = task.test(run.scorer, run.module, options.split, run.device)
    for name, value in result.scores.items():
        print(f"{name} {value:.6f}")
