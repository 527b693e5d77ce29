"""The verb ``likewise recommend``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from likewise.verbs.arguments import add_recommended, excluded, listed, positive

HELP = "recommend products of a finished run to a person, by what the person had before"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_recommended(parser)
    parser.add_argument("--history", default="", help="product ids, oldest first: a,b,c")
    parser.add_argument("--repeat", action="store_true", help="recommend these, too")


def run(options: Namespace) -> None:
    """Print the best products, best first."""
    from likewise.runs.hits import as_text
    from likewise.runs.recommending import recommend
    from likewise.runs.saved import open_run

    opened = open_run(options.run, options.overrides, tuple(options.allow))
    found = recommend(
        opened,
        listed(options.history),
        positive(options.top_k),
        excluded(options, opened.rows_by_id),
        options.repeat,
        options.diversity,
    )
    print(as_text(found, options.json))
