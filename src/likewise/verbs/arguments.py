"""Arguments that several verbs share."""

from __future__ import annotations

from argparse import ArgumentParser


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
