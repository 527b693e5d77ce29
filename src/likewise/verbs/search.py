"""``likewise search``."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_overrides

if TYPE_CHECKING:
    from likewise.runs.searching import Hit

HELP = "find the products of a run's catalogue that answer a query"


def add_arguments(parser: ArgumentParser) -> None:
    """Options and overrides."""
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("query", help="what is looked for, in words")
    add_overrides(parser, "overrides of its config, e.g. data.path=…")
    parser.add_argument("--top-k", type=int, default=10, help="products to find")
    parser.add_argument("--exclude", default="", help="ids of products to leave out: id,id")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Print the best products, best first."""
    from likewise.runs.saved import open_run
    from likewise.runs.searching import search

    if options.top_k < 1:
        raise LikewiseError(f"--top-k {options.top_k} must be at least 1")
    opened = open_run(options.run, options.overrides, tuple(options.allow))
    excluded = [one.strip() for one in options.exclude.split(",") if one.strip()]
    hits = search(opened, options.query, options.top_k, excluded)
    print(json.dumps([vars(hit) for hit in hits], indent=2) if options.json else _table(hits))


def _table(hits: list[Hit]) -> str:
    rows = [
        f"{place:3d}  {hit.score:8.4f}  {hit.product_id}  {hit.title}"
        for place, hit in enumerate(hits, 1)
    ]
    return "\n".join(rows) or "no product has a word of the query"
