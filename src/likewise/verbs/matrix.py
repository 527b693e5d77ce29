"""The verb ``likewise matrix``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from likewise.verbs.arguments import add_run

HELP = "write the similarity matrix, or its pairs, of a split"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_run(parser)
    parser.add_argument(
        "--threshold", type=float, help="write the pairs with at least this similarity"
    )
    parser.add_argument("--top-k", type=int, help="write each product's nearest")
    parser.add_argument("--to", help="file to write (default: in the run)")


def run(options: Namespace) -> None:
    """Write the full matrix, or pairs if a threshold or top-k is given."""
    from likewise.runs.saved import open_current, open_run
    from likewise.similarity.matrix import write_matrix, write_pairs

    limits = []
    if options.top_k is not None:
        limits.append(f"top{options.top_k}")
    if options.threshold is not None:
        limits.append(f"threshold{options.threshold:g}")
    pairs = bool(limits)
    name = "-".join(["pairs", options.split, *limits]) + ".parquet"
    path = Path(
        options.to or Path(options.run) / (name if pairs else f"matrix-{options.split}.npy")
    )
    # The splits are those of the run's own data, whatever its catalogue has become.
    opening = open_current if options.split == "all" else open_run
    run = opening(options.run, options.overrides, tuple(options.allow))
    embeddings = run.embeddings(options.split)
    if pairs:
        write_pairs(
            embeddings,
            run.product_ids(options.split),
            run.similarity,
            path,
            threshold=options.threshold,
            top_k=options.top_k,
        )
    else:
        write_matrix(embeddings, run.similarity, path)
    print(path)
