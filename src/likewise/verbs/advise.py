"""The verb ``likewise advise``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from likewise.verbs.arguments import add_overrides

if TYPE_CHECKING:
    from likewise.advice.proposal import Advice

HELP = "propose what to start from on given data, by the committed results on similar data"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options and overrides of the verb."""
    add_overrides(parser, "the data, and optionally the task, as Hydra overrides")
    parser.add_argument("--budget", help="time of training, such as 90s, 10min or 2h")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help="where to train (default: cuda if there)"
    )
    parser.add_argument(
        "--without", action="append", default=[], help="a data set to leave out of the evidence"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(options: Namespace) -> None:
    """Print what to start from, with its evidence, as text or JSON."""
    import json

    import torch

    from likewise.advice.evidence import shipped_evidence
    from likewise.advice.proposal import advise, facts
    from likewise.advice.question import ask
    from likewise.advice.ranking import parse_time

    budget = None if options.budget is None else parse_time(options.budget)
    table = shipped_evidence().without(options.without)
    question = ask(options.overrides, budget, options.config_dir)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    advice = advise(question, table, device, fixed=options.device is not None)
    if options.json:
        print(json.dumps(facts(advice), indent=2, ensure_ascii=False))
        return
    _print(advice)


def _print(advice: Advice) -> None:
    import shlex

    from likewise.advice.proposal import profile_lines

    selection, question = advice.selection, advice.question
    first = selection.methods[0]
    for line in profile_lines(question.profile):
        print(f"data         {line}")
    others = [name for name in question.tasks if name != question.task]
    also = f" (these data also allow {', '.join(others)})" if others else ""
    print(f"task         {question.task or 'none: the data name no similar products'}{also}")
    near = selection.near
    print(
        f"nearest      {near.known.name}: modalities {near.apart:g} apart, and {near.far:g} "
        "factors of ten in size and kind"
    )
    for part in advice.parts:
        print(f"{part.group:<12} {part.choice}: {part.evidence}")
    print(f"evidence     {first.measured.sentence()}, on {first.measured.device}")
    print(
        f"training     about {first.time} here: {first.measured.seconds:.1f} s there, scaled by "
        "the size of the data; without embedding and tests"
    )
    for second in selection.methods[1:]:
        print(f"second       {second.measured.sentence()}; about {second.time} here")
    for sentence in advice.thin:
        print(f"thin         {sentence}")
    for sentence in advice.notes:
        print(f"note         {sentence}")
    print(f"\n{shlex.join(advice.command)}")
    if advice.study:
        print(
            "\nTo compare it with the second choice on these data, write this into "
            f"my_study/study.yaml and run\nlikewise study my_study\n\n{advice.study}",
            end="",
        )
