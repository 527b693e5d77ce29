"""Queries of interest: the easiest and hardest of the best method, and the most disputed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from omegaconf import OmegaConf

from likewise.data.catalogue import ProductData
from likewise.data.images import has_pixels, image_array
from likewise.data.relevance import Groups
from likewise.errors import LikewiseError
from likewise.evidence.comparison import Comparison
from likewise.evidence.contrasts import per_query, read_units
from likewise.evidence.results import RunResult, by_method
from likewise.experiment.data import load_data
from likewise.experiment.targets import check_targets
from likewise.figures.base import png_bytes
from likewise.figures.products import neighbour_gallery

SHOWN = 5


@dataclass(frozen=True)
class Gallery:
    """A picture of queries and their neighbours, with a caption."""

    title: str
    png: bytes


def query_galleries(comparison: Comparison) -> list[Gallery]:
    """Draw the best, worst and most disputed queries.

    The result is empty without pictures or neighbours, or if the data of the runs cannot be read.
    """
    methods = by_method(comparison.results)
    best = methods[comparison.summaries[0].name]
    try:
        data = _data(best[0])
        columns = pq.read_schema(best[0].folder / "per_query.parquet").names
        if not has_pixels(data.catalogue) or "neighbours" not in columns:
            return []
        scores = {
            name: np.mean([per_query(run, comparison.primary)[1] for run in runs], axis=0)
            for name, runs in methods.items()
        }
    except LikewiseError:
        return []
    of_best = scores[comparison.summaries[0].name]
    order = np.argsort(of_best, kind="stable")
    order = order[np.isfinite(of_best[order])]
    first = best[0]
    found = [
        (f"Easiest for {first.name}", [(first, row) for row in order[::-1][:SHOWN]]),
        (f"Hardest for {first.name}", [(first, row) for row in order[:SHOWN]]),
    ]
    if len(scores) > 1:
        table = np.stack(list(scores.values()))
        names = list(scores)
        spread = table.max(axis=0) - table.min(axis=0)
        disputed = np.argsort(-np.nan_to_num(spread, nan=-1.0), kind="stable")[:SHOWN]
        rows = [
            (methods[names[int(place)]][0], row)
            for row in disputed
            for place in (table[:, row].argmax(), table[:, row].argmin())
        ]
        found.append(("Most disputed: each as the best and as the worst method sees it", rows))
    return [
        Gallery(title, _draw(data, rows, several=number > 1))
        for number, (title, rows) in enumerate(found)
    ]


def _data(run: RunResult) -> ProductData:
    path = run.folder / "config.yaml"
    if not path.is_file():
        raise LikewiseError(f"{path} is missing")
    config: Any = OmegaConf.load(path)
    check_targets(OmegaConf.to_container(config))
    return load_data(config)


def _draw(data: ProductData, rows: list[tuple[RunResult, int]], several: bool) -> bytes:
    """Draw one row of pictures for each (run, row of its table)."""
    wanted: list[list[str]] = []
    values = []
    for run, row in rows:
        table = read_units(run, ["unit_id", "neighbours", "similarities"]).slice(int(row), 1)
        wanted.append([table["unit_id"][0].as_py(), *table["neighbours"][0].as_py()])
        values.append(table["similarities"][0].as_py())
    ids = np.array(data.catalogue["product_id"][:])
    order = np.argsort(ids)
    places = order[np.searchsorted(ids, np.array(wanted).ravel(), sorter=order)]
    shape = np.array(wanted).shape
    index = np.arange(len(places)).reshape(shape)
    groups = data.get(Groups)
    figure = neighbour_gallery(
        image_array(data.catalogue.select(places)),
        groups.numbers(len(data.catalogue))[places],
        index[:, 0],
        index[:, 1:],
        np.array(values),
        groups.names,
        [run.name for run, _ in rows] if several else None,
    )
    return png_bytes(figure)
