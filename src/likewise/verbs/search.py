"""The verb ``likewise search``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from likewise.verbs.arguments import add_found, excluded, positive

HELP = "find the products of a run's catalogue that answer a query"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("query", help="what is looked for, in words")
    add_found(parser)


def run(options: Namespace) -> None:
    """Print the best products, best first."""
    from likewise.runs.hits import as_text
    from likewise.runs.saved import open_current
    from likewise.runs.searching import search

    opened = open_current(options.run, options.overrides, tuple(options.allow))
    left_out = excluded(options, opened.rows_by_id)
    found = search(opened, options.query, positive(options.top_k), left_out)
    print(as_text(found, options.json) or "no product has a word of the query")
