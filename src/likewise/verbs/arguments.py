"""Arguments that several verbs share."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from pathlib import Path

from likewise.errors import LikewiseError

# The largest file of ids that is read, in bytes.
MAX_FILE_SIZE = 1 << 30


def add_overrides(parser: ArgumentParser, help_text: str = "Hydra overrides") -> None:
    """Add any number of Hydra overrides ``key=value``."""
    parser.add_argument("overrides", nargs="*", help=help_text)


def add_study(parser: ArgumentParser, study_help: str) -> None:
    """Add a study, the overrides of its runs, and the folder of its runs."""
    parser.add_argument("study", help=study_help)
    add_overrides(parser, "overrides of every run")
    parser.add_argument("--output", default="runs", help="folder of the run folders")


def add_run(parser: ArgumentParser) -> None:
    """Add a finished run, and the options to change it."""
    parser.add_argument("run", help="folder of a finished run")
    add_overrides(parser, "overrides of its config, e.g. data.path=…")
    parser.add_argument("--split", default="test", help="split, or all (embed, matrix)")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def add_found(parser: ArgumentParser) -> None:
    """Add what all verbs share that find some products of a run's catalogue."""
    add_overrides(parser, "overrides of its config, e.g. data.path=…")
    parser.add_argument("--top-k", type=int, default=10, help="products to find")
    parser.add_argument("--exclude", default="", help="ids of products to leave out: a,b")
    parser.add_argument("--exclude-file", type=Path, help="file of such ids, one per line")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def add_recommended(parser: ArgumentParser) -> None:
    """Add a finished run, and what all verbs share that recommend some of its products."""
    parser.add_argument("run", help="folder of a finished run")
    add_found(parser)
    parser.add_argument(
        "--diversity",
        type=float,
        default=0.0,
        help="from 0 (the best products) to 1 (the most different ones), by MMR",
    )


def listed(text: str) -> list[str]:
    """Return the values of a list such as ``a,b``."""
    return [value.strip() for value in text.split(",") if value.strip()]


def excluded(options: Namespace, known: Collection[str]) -> list[str]:
    """Return the ids of ``--exclude``, and those of ``--exclude-file`` that are known.

    A warning on standard error counts the others, as a shop's list may name further products.

    Args:
        known: ids of the catalogue, a set or a mapping.

    Raises:
        LikewiseError: the file cannot be read as text.
    """
    named, path = listed(options.exclude), options.exclude_file
    if path is None:
        return named
    from likewise.data.regular_file import read_regular

    try:
        lines = read_regular(path, MAX_FILE_SIZE).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LikewiseError(
            f"--exclude-file {path} is not UTF-8 text; write one product id per line"
        ) from error
    except (OSError, ValueError) as error:
        raise LikewiseError(f"--exclude-file {path} cannot be read ({error})") from error
    ids = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    found = [one for one in ids if one in known]
    if len(found) < len(ids):
        print(
            f"likewise: {len(ids) - len(found):,} of the {len(ids):,} ids in {path} are not in the "
            "catalogue and are ignored",
            file=sys.stderr,
        )
    return [*named, *found]


def positive(value: int) -> int:
    """Return the value of ``--top-k``.

    Raises:
        LikewiseError: it is below 1.
    """
    if value < 1:
        raise LikewiseError(f"--top-k {value} must be at least 1")
    return value
