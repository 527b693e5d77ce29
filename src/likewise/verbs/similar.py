"""The verb ``likewise similar``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_overrides

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset
    from torch import Tensor

    from likewise.data.catalogue import ProductData
    from likewise.model import Model
    from likewise.similarity.base import Similarity

    # Chunks of rows (int64) of a catalogue and their embeddings, float32 [n, d].
    Embedded = Iterator[tuple[np.ndarray, Tensor]]

HELP = "find each product's nearest, by a finished run or by an untrained encoder; no labels needed"
# The number of products whose neighbours are printed; the file has all products.
PRINTED = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_overrides(parser, "folder of a finished run (or none), then Hydra overrides")
    parser.add_argument("--top-k", type=int, default=5, help="neighbours of each product")
    parser.add_argument("--to", help="CSV or Parquet file to write (default: OUTPUT/similar.csv)")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Print the nearest products of some products, and write those of all to a file."""
    from likewise.verbs.findings import say_findings

    model, data, stream, output = _opened(options)
    say_findings(data)
    if len(data.catalogue) < 2:
        raise LikewiseError(
            f"these data have {len(data.catalogue)} product, so there is no other to find"
        )
    if options.top_k < 1:
        raise LikewiseError(f"--top-k {options.top_k} must be at least 1")
    path = Path(options.to or Path(output) / "similar.csv")
    if path.suffix not in (".csv", ".parquet"):
        raise LikewiseError(f"--to {path} must end in .csv or .parquet")
    table = _neighbours(model.measure, data.catalogue, stream, options.top_k)
    _print(table, options.top_k)
    _write(table, path)
    print(f"nearest   {path}")


def _opened(options: Namespace) -> tuple[Model, ProductData, Embedded, str]:
    """The model, the data it is used on, their embeddings, and the folder to write to."""
    import numpy as np

    overrides = list(options.overrides)
    if overrides and "=" not in overrides[0]:
        from likewise.runs.saved import open_current

        opened = open_current(overrides[0], overrides[1:], tuple(options.allow))
        return opened.model, opened.data, opened.stream_embeddings("all"), overrides[0]
    from likewise.experiment.composition import compose
    from likewise.experiment.untrained import untrained_model

    config = compose(["method=none", *overrides], options.config_dir)
    model, data = untrained_model(config)
    rows = np.arange(len(data.catalogue))
    return model, data, model.stream(data.catalogue, rows), config.output


def _neighbours(measure: Similarity, catalogue: Dataset, stream: Embedded, k: int) -> pa.Table:
    """Return a table with one row per product and neighbour."""
    import numpy as np
    import pyarrow as pa
    import torch

    from likewise.similarity.topk import topk_neighbours

    rows = np.arange(len(catalogue))
    embeddings = torch.cat([part for _, part in stream])
    values, found = topk_neighbours(embeddings, None, measure, k)
    near = found.cpu().numpy()
    names = [name for name in ("product_id", "title") if name in catalogue.column_names]
    columns = {}
    for name in names:
        known = np.array(catalogue[name][:], dtype=object)
        columns[name] = known[rows.repeat(near.shape[1])]
        columns[f"neighbour_{name}"] = known[near.ravel()]
    columns["rank"] = np.tile(np.arange(1, near.shape[1] + 1), len(rows))
    columns["similarity"] = values.cpu().numpy().ravel()
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def _print(table: pa.Table, k: int) -> None:
    """Print the first products, each with its neighbours."""
    for row in table.slice(0, PRINTED * min(k, len(table))).to_pylist():
        if row["rank"] == 1:
            print(f"{row['product_id']}  {row.get('title') or ''}")
        neighbour, title = row["neighbour_product_id"], row.get("neighbour_title") or ""
        print(f"  {row['similarity']:8.4f}  {neighbour}  {title}")


def _write(table: pa.Table, path: Path) -> None:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    from likewise.atomic import atomic

    with atomic(path) as partial:
        if path.suffix == ".csv":
            pacsv.write_csv(table, str(partial))
        else:
            pq.write_table(table, partial, compression="zstd")
