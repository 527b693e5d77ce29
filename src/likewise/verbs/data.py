"""The verb ``likewise data``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from likewise.errors import LikewiseError
from likewise.experiment.composition import compose
from likewise.verbs.arguments import add_overrides

HELP = "describe, report on or check the data a configuration reads"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_overrides(parser, "describe, report or check; Hydra overrides")


def run(options: Namespace) -> None:
    """Describe a data set, report on its quality, or check that nothing would spoil a study."""
    from likewise.experiment.data import load_data
    from likewise.report.data import print_report, write_data_report

    actions = ("describe", "report", "check")
    action, overrides = "describe", list(options.overrides)
    if overrides and "=" not in overrides[0]:
        action = overrides.pop(0)
    if action not in actions:
        raise LikewiseError(f"likewise data {action} is unknown; it can be {', '.join(actions)}")
    config = compose(overrides, options.config_dir)
    loaded = load_data(config)
    if action == "describe":
        print_report(loaded, [])
        return
    from likewise.data.quality import find_problems

    problems = find_problems(loaded)
    print_report(loaded, problems)
    if action == "report":
        name = str(config.data._target_).split(".")[-2]
        path = Path(config.output) / "data" / f"{name}-{loaded.fingerprint}.html"
        print(f"report{'':<16} {write_data_report(name, loaded, problems, path)}")
        return
    spoiling = [finding.sentence for finding in problems if finding.spoils]
    if spoiling:
        raise LikewiseError(
            f"{len(spoiling)} finding(s) would spoil a study: {'; '.join(spoiling)}"
        )
