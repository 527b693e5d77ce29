"""The verb ``likewise embed``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from likewise.verbs.arguments import add_run

HELP = "write the embeddings of a split as Parquet"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_run(parser)
    parser.add_argument("--to", help="file to write (default: embeddings-SPLIT.parquet in the run)")


def run(options: Namespace) -> None:
    """Write product ids and embeddings (lists of float32) of a split."""
    from likewise.runs.saved import open_current, open_run, write_embeddings

    # The splits are those of the run's own data, whatever its catalogue has become.
    opening = open_current if options.split == "all" else open_run
    run = opening(options.run, options.overrides, tuple(options.allow))
    path = Path(options.to or Path(options.run) / f"embeddings-{options.split}.parquet")
    write_embeddings(path, run, options.split)
    print(path)
