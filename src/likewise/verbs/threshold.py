"""The verb ``likewise threshold``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from likewise.errors import LikewiseError
from likewise.verbs.arguments import add_overrides, listed

if TYPE_CHECKING:
    import numpy as np

    from likewise.matchers.base import Matcher
    from likewise.thresholds.base import Decision, KnownPairs

HELP = "choose the threshold of a finished matching run by a precision, costs or any threshold=…"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    parser.add_argument("run", help="folder of a finished run of task=matching")
    add_overrides(parser, "overrides of its config, e.g. threshold=per_category")
    goal = parser.add_mutually_exclusive_group()
    goal.add_argument("--precision", type=float, help="promise this precision, e.g. .95")
    goal.add_argument("--cost", help="greatest profit, e.g. false_match=5,missed=1")
    parser.add_argument("--delta", type=float, help="probability with which --precision may fail")
    parser.add_argument(
        "--feedback", help="CSV with columns score,label that the threshold follows"
    )
    parser.add_argument("--allow", action="append", default=[], help="package it may build from")


def run(options: Namespace) -> None:
    """Choose a threshold on validation pairs, print what it promises, and write it into the run."""
    from likewise.experiment.compatibility import check_task
    from likewise.experiment.parts import make_task
    from likewise.runs.saved import open_run
    from likewise.tasks.matching import Matching
    from likewise.thresholds.saved import FILE, read_decision, write_decision

    opened = open_run(options.run, [*options.overrides, *_goal(options)], tuple(options.allow))
    task = make_task(opened.config)
    if not isinstance(task, Matching):
        raise LikewiseError(f"{options.run} is not a run of task=matching, so it has no threshold")
    task.check(opened.data, "validation")
    check_task(opened.config, opened.scorer)
    opened.scorer.prepare(opened.module)
    known = task.known_pairs(cast("Matcher", opened.scorer), opened.module, opened.device)
    path = Path(options.run) / FILE
    if options.feedback:
        decision = read_decision(path) if path.is_file() else task.threshold.decide(known)
        decision = task.threshold.follow(decision, *_feedback(Path(options.feedback)))
    else:
        decision = task.threshold.decide(known)
    precision, recall = _expected(decision, known)
    rule = type(task.threshold).__name__
    write_decision(path, decision, rule=rule, expected={"precision": precision, "recall": recall})
    print(f"threshold  {decision.threshold:.6g}")
    for category, value in decision.by_category.items():
        print(f"  {category or '(no category)'}  {value:.6g}")
    print(f"promise    {decision.promise or 'Nothing is promised.'}")
    print(f"expected   precision {_shown(precision)}, recall {_shown(recall)} (validation pairs)")
    print(f"written    {path}")


def _goal(options: Namespace) -> list[str]:
    """Return the overrides that say the same as ``--precision``, ``--delta`` and ``--cost``."""
    if options.delta is not None and options.precision is None:
        raise LikewiseError("--delta belongs to --precision; give both")
    if options.precision is not None:
        delta = [] if options.delta is None else [f"threshold.delta={options.delta}"]
        return ["threshold=target_precision", f"threshold.precision={options.precision}", *delta]
    if options.cost is None:
        return []
    named = [one.partition("=") for one in listed(options.cost)]
    known = ("false_match", "missed", "true_match", "true_rejection")
    if strange := [name for name, _, _ in named if name not in known] or not named:
        raise LikewiseError(
            f"--cost {options.cost} must name some of {', '.join(known)}: {strange}"
        )
    return ["threshold=max_profit", *(f"threshold.{name}={value}" for name, _, value in named)]


def _expected(decision: Decision, known: KnownPairs) -> tuple[float | None, float]:
    """Return precision and recall on the validation pairs; no precision where none is declared."""
    declared = known.scores >= decision.thresholds(known.categories, len(known.scores))
    hits = int(known.labels[declared].sum())
    precision = hits / int(declared.sum()) if declared.any() else None
    return precision, hits / int(known.labels.sum())


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _feedback(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read scores (float64 [m]) and labels (int64 [m]) in the order of the file."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pacsv

    try:
        table = pacsv.read_csv(path)
        columns = [table[name].cast(kind) for name, kind in _FEEDBACK.items()]
    except (KeyError, pa.ArrowException) as error:
        raise LikewiseError(
            f"--feedback {path} must be a CSV file with the columns score (numbers) and label (0 "
            f"or 1): {error}"
        ) from error
    if any(pc.any(pc.is_null(column)).as_py() for column in columns):
        raise LikewiseError(f"--feedback {path} has an empty score or label")
    score, label = (column.to_numpy() for column in columns)
    return score, label


# The columns of feedback, and their types.
_FEEDBACK = {"score": "float64", "label": "int64"}
