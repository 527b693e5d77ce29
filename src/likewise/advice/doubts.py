"""Sentences on how thin the evidence for a choice is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from likewise.advice.evidence import Measured
from likewise.advice.question import Question
from likewise.advice.selection import NearData, Selection

# From this ratio of sizes, or difference of shares, on, the evidence is of data that differ much.
FAR, DIFFERENT = 10.0, 0.5


def doubts(question: Question, selection: Selection) -> Iterator[str]:
    """Sentences on what makes the evidence thin, besides the way it was found."""
    near, (first, *second) = selection.near, selection.methods
    yield from _differences(question, near)
    if question.budget is not None and first.seconds > question.budget:
        yield (
            f"The budget is shorter than the training of every measured method; the quickest is "
            f"expected to take {first.time}."
        )
    if first.measured.seeds == 1:
        yield "The result is of one seed, so it cannot be told from luck."
    if not second:
        yield "Nothing else that can be used was measured on these data, so nothing was compared."
    for other in second:
        yield from _unproven(first.measured, other.measured)
    if first.measured.setting:
        yield f"The result was measured with {' '.join(first.measured.setting)}."
    for caution in first.measured.cautions:
        yield f"The results page warns: {caution}"


def _unproven(first: Measured, other: Measured) -> Iterator[str]:
    """A sentence if the first choice was not shown to be better than the second."""
    gap = f"{first.label} {first.score:.4f} and {other.score:.4f}"
    if other.score > first.score:
        yield (
            f"{other.method} has a higher score than {first.method} ({gap}), which is proposed "
            "because the difference is not significant and it needs at most half of the time."
        )
        return
    separated = first.is_separated_from(other)
    gap = f"between {first.method} and {other.method} ({gap})"
    if separated is None:
        yield f"The difference {gap} was not tested."
    elif not separated:
        yield f"The difference {gap} is not significant."


def _differences(question: Question, near: NearData) -> Iterator[str]:
    """Sentences on how the nearest measured data differ from the user's."""
    here, there, name = question.profile, near.known.profile, near.known.name
    if {*here.modalities} != {*there.modalities}:
        yield (f"These data have {listed(here.modalities)}; {name} has {listed(there.modalities)}.")
    if not 1 / FAR <= near.scale <= FAR:
        larger, factor = (
            ("more", near.scale) if near.scale > 1 else ("fewer", 1 / max(near.scale, 1e-9))
        )
        counted = "products" if near.supervision is None else "training units"
        yield f"These data have {factor:,.0f} times {larger} {counted} than {name}."
    if here.script and there.script and here.script != there.script:
        yield (
            f"The texts of these data are in {here.script.title()} script, and those of {name} in "
            f"{there.script.title()} script."
        )
    if near.own is None or near.supervision is None:
        return
    if abs(near.own.unseen - near.supervision.unseen) > DIFFERENT:
        yield (
            f"Of the test units, {near.own.unseen:.0%} have a product or group that is not in "
            f"training; on {name} {near.supervision.unseen:.0%}."
        )


def notes(selection: Selection, accelerator: str) -> Iterator[str]:
    first = selection.methods[0].measured
    if accelerator == "cuda" and first.accelerator == "cpu":
        yield (
            "All evidence for this choice was measured on a CPU; on a GPU, training is mostly "
            "faster, and larger networks than those that were measured may be better."
        )
    for package in sorted({*re.findall(r"package:([^/\s]+)/", " ".join(first.overrides))}):
        if find_spec(package) is None:
            yield f"The command reads files of the package {package}, which is not installed here."


def listed(names: Sequence[str]) -> str:
    """Names of modalities for sentences."""
    return ", ".join(names) or "none of the modalities that are compared"
