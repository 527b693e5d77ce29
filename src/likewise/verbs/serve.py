"""The verb ``likewise serve``."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from ipaddress import ip_address

from likewise.errors import LikewiseError

HELP = "look at one run, or at two side by side, on a web page; the same as an API"
TOKEN = "LIKEWISE_TOKEN"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument(
        "overrides",
        nargs="*",
        help="folder of a second run, then overrides of both, e.g. index=ivf",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at")
    parser.add_argument("--token", help=f"token that requests need (default: {TOKEN}, if set)")
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Serve until the program is interrupted."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise LikewiseError("likewise serve needs fastapi and uvicorn: pip install likewise[serve]")
    folders = [options.run, *(one for one in options.overrides if "=" not in one)]
    overrides = [one for one in options.overrides if "=" in one]
    if len(folders) > 2:
        raise LikewiseError(f"{len(folders)} runs cannot be shown side by side; give one or two")
    if not 0 <= options.port <= 65535:
        raise LikewiseError(f"--port {options.port} must be between 0 and 65535")
    token = options.token or os.environ.get(TOKEN) or None
    if not _is_loopback(options.host) and token is None:
        raise LikewiseError(
            f"--host {options.host} can be reached by other machines; give a --token, too"
        )
    from likewise.serving.api import make_app
    from likewise.serving.run import ServedRun, check_same_catalogue
    from likewise.serving.server import serve

    runs = [ServedRun(folder, overrides, tuple(options.allow)) for folder in folders]
    check_same_catalogue(runs)
    for one in runs:
        print(f"run       {one.folder} ({len(one.version.catalogue):,} products)")
        if one.curve_note:
            print(f"threshold none: {one.curve_note}")
    local = ("127.0.0.1", "localhost", "::1", "[::1]", options.host)
    hosts = local if _is_loopback(options.host) else ("*",)
    serve(make_app(runs, token, hosts), options.host, options.port, token)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
