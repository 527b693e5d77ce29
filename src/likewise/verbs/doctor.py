"""The verb ``likewise doctor``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from likewise.errors import LikewiseError
from likewise.experiment.composition import shipped

HELP = "check this installation"


def add_arguments(parser: ArgumentParser) -> None:
    """Add nothing; the verb has no options."""


def run(options: Namespace) -> None:
    """Print what is installed, which device is used, and where data and logs are."""
    import shutil

    from likewise.runs.environment import describe
    from likewise.runs.tracking import has_key

    found = describe()
    for key in ("python", "platform", "device", "threads", "git_commit"):
        print(f"{key:<12} {found[key]}")
    for name, version in found["packages"].items():
        print(f"{name:<24} {version or 'MISSING'}")
    print(f"configs      {shipped('configs')}")
    print(f"W&B          {'online (a key is configured)' if has_key() else 'offline'}")
    print(f"free disk    {shutil.disk_usage('.').free / 1e9:.1f} GB")
    missing = [name for name, version in found["packages"].items() if version is None]
    if missing:
        raise LikewiseError(f"not installed: {', '.join(missing)}; install requirements.lock again")
