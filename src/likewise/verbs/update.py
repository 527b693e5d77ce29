"""The verb ``likewise update``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_overrides

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = "add, change and delete products of a finished run's catalogue, as a new version of it"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run")
    add_overrides(parser, "data.path=… and other data.…; without it, JSON lines of standard input")
    parser.add_argument(
        "--complete", action="store_true", help="also delete the products that the table lacks"
    )
    parser.add_argument(
        "--roll-back", action="store_true", help="go back to the version before the current one"
    )
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Write a version of the catalogue of a run, or go back to the one before."""
    import tempfile

    from likewise.experiment.targets import make
    from likewise.runs.saved import open_run
    from likewise.runs.versions.incoming import read_update
    from likewise.runs.versions.update import apply_update, embed_by, first_version
    from likewise.runs.versions.version import current_version, versions_folder
    from likewise.runs.versions.writing import roll_back

    root = versions_folder(options.run)
    if options.roll_back:
        if options.overrides or options.complete:
            raise LikewiseError("--roll-back takes no other options")
        print(f"version   {roll_back(root).number}")
        return
    opened = open_run(options.run, (), tuple(options.allow))
    embed = embed_by(opened.model)
    with tempfile.TemporaryDirectory(prefix="likewise-update-") as made:
        folder = Path(made)
        source = make(_table(options, opened.config, folder).data)
        (folder / "table").mkdir()
        known = current_version(root)
        catalogue = opened.data.catalogue if known is None else known.template
        incoming = read_update(source, catalogue, opened.model.cleaning, folder / "table")
        for finding in incoming.findings:
            print(f"data: {finding}")
        base = first_version(root, lambda: opened.data.catalogue, embed)
        found = apply_update(root, incoming, embed, options.complete, base)
    parent = f" (parent {found.version.parent})" if found.version.parent is not None else ""
    print(f"version   {found.version.number}{parent}{'' if found.any else ', nothing changed'}")
    print(
        f"products  {found.new:,} new, {found.changed:,} changed, {found.deleted:,} deleted, "
        f"{found.unchanged:,} unchanged; {len(found.version.catalogue):,} in the catalogue"
    )


def _table(options: Namespace, config: DictConfig, folder: Path) -> DictConfig:
    """Return a config whose data are the table of the update.

    The names of the columns are those of the run, where its data are a table too.
    """
    from likewise.data.sources.table import TableSource
    from likewise.experiment.targets import class_of
    from likewise.runs.saved import changed

    overrides = list(options.overrides)
    names = [override.lstrip("+").partition("=")[0] for override in overrides]
    if strange := [name for name in names if not name.startswith("data.")]:
        raise LikewiseError(
            f"an update cannot change {strange[0]}; it takes data.path=… and other data.…"
        )
    if "data.path" not in names:
        overrides.append(f"data.path={_standard_input(folder)}")
        # The pictures of a table lie in its folder; here, paths start where the program runs.
        if "data.image_root" not in names:
            overrides.append("data.image_root=.")
    if class_of(config.data) is not TableSource:
        overrides.insert(0, "data=table")
    return changed(config.copy(), overrides)


def _standard_input(folder: Path) -> Path:
    """Write JSON lines of standard input to a file."""
    if sys.stdin.isatty():
        raise LikewiseError(
            "there is no table; add data.path=…, or write one JSON object per product to standard "
            "input"
        )
    path = folder / "standard-input.jsonl"
    path.write_bytes(sys.stdin.buffer.read())
    return path
