"""The verb ``likewise cross-sell``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from likewise.verbs.arguments import add_recommended, excluded, listed, positive

HELP = "recommend products of a finished run that go with those of a basket"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_recommended(parser)
    parser.add_argument("--basket", default="", help="product ids: a,b")


def run(options: Namespace) -> None:
    """Print the best products, best first."""
    from likewise.runs.hits import as_text
    from likewise.runs.recommending import cross_sell
    from likewise.runs.saved import open_run

    opened = open_run(options.run, options.overrides, tuple(options.allow))
    found = cross_sell(
        opened,
        listed(options.basket),
        positive(options.top_k),
        excluded(options, opened.rows_by_id),
        options.diversity,
    )
    print(as_text(found, options.json))
