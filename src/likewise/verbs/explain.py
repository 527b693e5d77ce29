"""The verb ``likewise explain``."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_overrides

if TYPE_CHECKING:
    from likewise.explanations.base import Attribution
    from likewise.explanations.pair import ProductPair
    from likewise.runs.saved import SavedRun

HELP = "say which words, regions, signals or training pairs make two products similar"
# Units that are printed.
PRINTED = 20
SUFFIXES = (".png", ".svg", ".pdf")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("left", metavar="A", help="id of a product of the run's catalogue")
    parser.add_argument("right", metavar="B", help="id of another product")
    add_overrides(parser, "overrides of its config, e.g. explanation=integrated_gradients")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--output", type=Path, help="picture to write (.png, .svg or .pdf)")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Print the contributions, the largest first, and write a picture where one is wanted."""
    from likewise.runs.explaining import with_explanation
    from likewise.runs.saved import open_run

    path: Path | None = options.output
    if path is not None and path.suffix not in SUFFIXES:
        raise LikewiseError(f"--output {path} must end in {', '.join(SUFFIXES)}")
    overrides = with_explanation(options.overrides)
    opened = open_run(options.run, overrides, tuple(options.allow))
    pair, found = _explain(opened, options.left, options.right)
    print(_as_json(pair, found) if options.json else _as_text(pair, found))
    if path is not None:
        from likewise.atomic import atomic
        from likewise.explanations.drawing import draw

        figure = draw(pair, found)
        with atomic(path) as partial:
            figure.savefig(partial, format=path.suffix[1:])
        if not options.json:
            print(f"picture   {path}")


def _explain(opened: SavedRun, left: str, right: str) -> tuple[ProductPair, Attribution]:
    from likewise.runs.explaining import chosen_explanation, explain

    explanation = chosen_explanation(opened)
    for name in (left, right):
        if name not in opened.rows_by_id:
            raise LikewiseError(
                f"the catalogue has no product {name}; its ids are like "
                f"{', '.join(list(opened.rows_by_id)[:3])}"
            )
    rows = (opened.rows_by_id[left], opened.rows_by_id[right])
    return explain(opened, explanation, opened.data.catalogue, rows)


def _as_json(pair: ProductPair, found: Attribution) -> str:
    return json.dumps({"left": pair.ids[0], "right": pair.ids[1], **found.as_dict()}, indent=2)


def _as_text(pair: ProductPair, found: Attribution) -> str:
    import numpy as np

    lines = [f"{pair.ids[0]} and {pair.ids[1]}: score {found.score:.4f}", found.meaning]
    order = np.argsort(-np.abs(found.values), kind="stable")
    for place in order[:PRINTED]:
        unit = found.units[place]
        side = "" if unit.side == "both" else unit.side
        lines.append(
            f"  {found.values[place]:+9.4f}  {side:5s}  {unit.column:13s}  {unit.text}".rstrip()
        )
    if len(order) > PRINTED:
        rest = float(found.values[order[PRINTED:]].sum())
        lines.append(f"  {rest:+9.4f}  {len(order) - PRINTED} further units together")
    if not np.isnan(found.base):
        lines.append(f"  {found.base:+9.4f}  from here the values start")
        if abs(found.rest) > 5e-5:
            lines.append(f"  {found.rest:+9.4f}  belongs to no unit")
    return "\n".join(lines)
