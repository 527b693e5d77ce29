"""The chosen threshold in a file next to a run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from likewise.atomic import atomic
from likewise.errors import LikewiseError
from likewise.thresholds.base import Decision, KnownPairs, Threshold

# The file in the folder of a run.
FILE = "threshold.json"


class SavedThreshold(Threshold):
    """A threshold that ``likewise threshold`` has written.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self.decision = read_decision(Path(path))

    def decide(self, known: KnownPairs) -> Decision:
        """See ``Threshold``; the pairs are not used."""
        return self.decision


def write_decision(path: Path, decision: Decision, **more: Any) -> None:
    """Write a decision as JSON, with ``more`` for its readers.

    Infinite thresholds are the texts ``inf`` and ``-inf``.
    """
    content = {
        "threshold": _as_json(decision.threshold),
        "promised": decision.promised,
        "promise": decision.promise,
        "by_category": {name: _as_json(value) for name, value in decision.by_category.items()},
        "state": dict(decision.state),
    }
    with atomic(path) as partial:
        partial.write_text(json.dumps(content | more, indent=2) + "\n", encoding="utf-8")


def read_decision(path: Path) -> Decision:
    """Read a decision.

    Raises:
        LikewiseError: there is no file, or it is not one of ``write_decision``.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LikewiseError(f"{path} does not exist; likewise threshold RUN writes it") from error
    except ValueError as error:
        raise LikewiseError(f"{path} is not valid JSON ({error})") from error
    try:
        decision = Decision(
            float(content["threshold"]),
            str(content["promise"]),
            bool(content["promised"]),
            {str(name): float(value) for name, value in content["by_category"].items()},
            {str(name): float(value) for name, value in content["state"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LikewiseError(
            f"{path} holds no threshold ({error!r}); write it again with likewise threshold RUN"
        ) from error
    numbers = [decision.threshold, *decision.by_category.values()]
    if any(math.isnan(one) for one in numbers):
        raise LikewiseError(f"{path} holds a threshold that is not a number")
    return decision


def _as_json(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
