"""Advice: what to run on a catalogue, the evidence for it, and how thin this evidence is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from likewise.advice.doubts import doubts, listed, notes
from likewise.advice.evidence import EvidenceTable, Measured
from likewise.advice.profile import DataProfile
from likewise.advice.question import Question
from likewise.advice.selection import Selection, select
from likewise.experiment.features import modalities
from likewise.experiment.parts import make_task
from likewise.experiment.targets import class_of, is_part

# The groups of the config that advice names, in this order.
GROUPS = (
    *("encoder", "text", "matcher", "recommender", "policy"),
    *("method", "loss", "similarity", "sampler"),
)


@dataclass(frozen=True)
class PartChoice:
    """The choice of one group of the config, and what was measured about it on the nearest data."""

    group: str
    choice: str
    evidence: str


@dataclass(frozen=True)
class Advice:
    """What to run, and why.

    Attributes:
        question: what was asked.
        selection: the measured methods.
        parts: of the first choice.
        command: words of the command to run.
        study: a ``study.yaml`` that compares both choices on the data; ``None`` without a second
            choice or a task.
        thin: all sentences on why the evidence is thin; empty if it is not.
        notes: further sentences.
    """

    question: Question
    selection: Selection
    parts: Sequence[PartChoice]
    command: Sequence[str]
    study: str | None
    thin: Sequence[str]
    notes: Sequence[str]


def advise(question: Question, table: EvidenceTable, accelerator: str, fixed: bool) -> Advice:
    """Choose what to start from.

    Args:
        table: the evidence.
        accelerator: ``cpu`` or ``cuda``, where the user will train.
        fixed: whether the user has chosen it, so that the command names it.

    Raises:
        LikewiseError: no result can be used, or the data cannot be tested by the task.
    """
    selection = select(question, table)
    first = selection.methods[0].measured
    config = question.compose(first)
    if question.task is not None:
        make_task(config).check(question.data, "test")
    more = [f"trainer.accelerator={'gpu' if accelerator == 'cuda' else 'cpu'}"] if fixed else []
    return Advice(
        question,
        selection,
        _parts(config, first, selection.near.rows),
        _command(question, first, more),
        _study(question, selection, str(config.primary), more),
        [*selection.thin, *doubts(question, selection)],
        [*notes(selection, accelerator)],
    )


def _parts(config: DictConfig, first: Measured, rows: Sequence[Measured]) -> list[PartChoice]:
    """The choice of each group that the first method uses, with the alternatives measured."""
    trains = getattr(class_of(config.method), "trains", True)
    used = {
        "text": "text" in modalities(config),
        "loss": trains,
        "sampler": trains,
        "similarity": is_part(config.get("encoder")),
    }
    return [
        PartChoice(group, first.parts[group], _alternatives(group, first, rows))
        for group in GROUPS
        if used.get(group, True) and is_part(config.get(group))
    ]


def _alternatives(group: str, first: Measured, rows: Sequence[Measured]) -> str:
    """The best score of each choice of a group on the nearest data."""
    best: dict[str, float] = {}
    for row in rows:
        choice = row.parts[group]
        best[choice] = max(row.score, best.get(choice, row.score))
    own = best.pop(first.parts[group])
    if not best:
        return "not varied on these data"
    ordered = sorted(best.items(), key=lambda item: -item[1])
    others = ", ".join(f"{choice} {score:.4f}" for choice, score in ordered)
    return f"{first.label} {own:.4f} at its best there; others at theirs: {others}"


def _command(question: Question, row: Measured, more: Sequence[str]) -> list[str]:
    if question.task is None:
        kept = [one for one in row.overrides if one.partition("=")[0] != "method"]
        return ["likewise", "similar", *kept, *question.overrides]
    return [
        *("likewise", "train", *question.task_override),
        *(*row.overrides, *question.overrides, *more),
    ]


def _study(
    question: Question, selection: Selection, primary: str, more: Sequence[str]
) -> str | None:
    if question.task is None or len(selection.methods) < 2:
        return None
    lines = ["question: Is the second choice better on these data?", "seeds: [0, 1, 2]"]
    lines += [f"primary: {primary}", "overrides:"]
    lines += [
        f"  - {_quoted(one)}" for one in [*question.task_override, *question.overrides, *more]
    ]
    lines.append("methods:")
    for one in selection.methods:
        lines.append(f"  {one.measured.method}:{'' if one.measured.overrides else ' []'}")
        lines += [f"    - {_quoted(override)}" for override in one.measured.overrides]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as YAML in single quotes, where its characters could mean something else."""
    plain = re.fullmatch(r"[\w+][\w.=/@+-]*", text)
    return text if plain else "'" + text.replace("'", "''") + "'"


def profile_lines(profile: DataProfile) -> list[str]:
    """What was looked at, in words."""
    lines = [f"{profile.products:,} products with {listed(profile.modalities)}"]
    if profile.script:
        lines.append(
            f"texts in {profile.script.title()} script, {profile.words:g} words in the median"
        )
    lines += [
        f"{kind}: {one.units:,} training units, {one.density:g} per group, user, query or product; "
        f"{one.unseen:.0%} of the test units are of new ones"
        for kind, one in profile.supervision.items()
    ]
    return lines


def facts(advice: Advice) -> Mapping[str, object]:
    """The advice as plain data, for JSON."""
    near = advice.selection.near
    return {
        "task": advice.question.task,
        "command": shlex.join(advice.command),
        "parts": {
            part.group: {"choice": part.choice, "evidence": part.evidence} for part in advice.parts
        },
        "expected_train_seconds": advice.selection.methods[0].seconds,
        "evidence": [one.measured.facts() for one in advice.selection.methods],
        "nearest": {"name": near.known.name, "modalities_apart": near.apart, "distance": near.far},
        "data": advice.question.profile.facts(),
        "thin": list(advice.thin),
        "notes": list(advice.notes),
        "study": advice.study,
    }
