"""The command line; heavy imports happen only when a verb needs them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module

from likewise.errors import LikewiseError

VERBS = (
    *("train", "study", "compare", "evaluate", "threshold", "embed", "matrix", "similar", "search"),
    *("update", "recommend", "cross_sell", "explain", "serve", "export", "advise", "data"),
    "doctor",
)
INTERRUPTED = "interrupted; finished runs are kept, and this one goes on where it was"
EPILOG = "Overrides are Hydra's: likewise train encoder=rnn loss=triplet trainer.max_epochs=5"


def parser() -> argparse.ArgumentParser:
    """Return the parser of verbs and their options."""
    top = argparse.ArgumentParser(
        prog="likewise", description="Find which representation finds alike products best."
    )
    top.add_argument("--version", action="store_true", help="print the version")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")

    for name in VERBS:
        verb = import_module(f"likewise.verbs.{name}")
        made = verbs.add_parser(
            name.replace("_", "-"), help=verb.HELP, description=verb.HELP, epilog=EPILOG
        )
        made.add_argument("--config-dir", help="a folder with config groups of your own")
        verb.add_arguments(made)
    return top


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse options and overrides in any order."""
    options, rest = parser().parse_known_args(arguments)
    strange = [word for word in rest if word.startswith("--") or "=" not in word]
    if strange or (rest and not hasattr(options, "overrides")):
        parser().error(f"unknown argument {' '.join(strange or rest)}")
    if rest:
        options.overrides = [*options.overrides, *rest]
    return options


def _terminate(*_: object) -> None:
    print(f"likewise: {INTERRUPTED}", file=sys.stderr)
    sys.exit(128 + signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; a mistake of the user gives one sentence on standard error and status 1."""
    # With this option, Hydra raises the original error, which becomes one sentence below.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    # SIGTERM ends a run like an interruption: it is marked as failed and can be resumed.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    options = parse(arguments)
    if options.version:
        import likewise

        print(f"likewise {likewise.__version__}")
        return 0
    if options.verb is None:
        parser().print_help()
        return 0
    try:
        from likewise.experiment.composition import search_path

        search_path(options.config_dir)
        import_module(f"likewise.verbs.{options.verb.replace('-', '_')}").run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"likewise: {INTERRUPTED}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the output, such as head, has seen enough. Python writes what is left at its
        # end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        message = one_sentence(error)
        if message is None or os.environ.get("LIKEWISE_TRACEBACK"):
            raise
        print(f"likewise: {message}", file=sys.stderr)
        return 1
    return 0


def one_sentence(error: BaseException) -> str | None:
    """Return one sentence on a mistake of the user; ``None`` for an error of the program."""
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} has no value and no default; write {error.full_key}=…"
    if isinstance(error, HydraException | OmegaConfBaseException):
        # Hydra puts the sentence first, then the alternatives, then where it looked.
        text = str(error).split("\nConfig search path")[0].split("\nSet the environment")[0]
        lines = [line.strip() for line in text.splitlines()]
        kept = [line for line in lines if line and not line.startswith(("object_type", "full_key"))]
        return " ".join(kept).replace("\t", " ")
    if isinstance(error, yaml.YAMLError):
        return f"a YAML file cannot be read: {' '.join(str(error).split())}"
    if isinstance(error, LikewiseError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return None
