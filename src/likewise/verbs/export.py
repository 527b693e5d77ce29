"""The verb ``likewise export``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from likewise.exporting.formats import FORMATS
from likewise.verbs.arguments import add_overrides

HELP = "write the encoder of a run in a format of other programs"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run")
    add_overrides(parser, "overrides of its config, e.g. data.path=…")
    parser.add_argument("--format", required=True, choices=list(FORMATS), help="what to write")
    parser.add_argument("--to", type=Path, help="new folder (default: export-FORMAT in the run)")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Write the folder; print how it was checked, and where it is."""
    from likewise.exporting.export import export
    from likewise.runs.saved import open_current

    folder = options.to or Path(options.run) / f"export-{options.format}"
    opened = open_current(options.run, options.overrides, tuple(options.allow))
    print(f"checked   {export(opened, FORMATS[options.format](), folder)}")
    print(f"folder    {folder}")
